import keras
import numpy as np
from numpy.testing import assert_allclose

from plb_ablate.models.plb.loss import PublishedLoss, smooth


def test_loss_is_margin_plus_weighted_squared_error() -> None:
    targets = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], np.float32)
    given = np.array([[0.2, 0.7, 0.1], [0.05, 0.9, 0.05]], np.float32)
    margin = [0.2**2 + 0.5 * 0.1**2, 0.85**2 + 0.5 * 0.8**2]
    squared = [(0.04 + 0.09 + 0.01) / 3, (0.95**2 + 0.9**2 + 0.05**2) / 3]
    assert_allclose(PublishedLoss()(targets, given), np.mean(margin) + 0.392 * np.mean(squared), rtol=1e-6)


def test_smoothed_targets_pull_both_ways() -> None:
    targets = smooth(np.array([[0.0, 1.0]], np.float32), 0.1)
    assert_allclose(targets, [[0.05, 0.95]])
    given = np.array([[0.4, 0.6]], np.float32)
    margin = 0.05 * 0.5**2 + 0.95 * 0.3**2 + 0.5 * (0.95 * 0.3**2 + 0.05 * 0.5**2)
    assert_allclose(PublishedLoss()(targets, given), margin + 0.392 * 0.35**2, rtol=1e-5)


def test_no_smoothing_leaves_targets_alone() -> None:
    targets = np.eye(4, dtype=np.float32)
    assert (smooth(targets, 0.0) == targets).all()


def test_every_argument_survives_the_config() -> None:
    loss = PublishedLoss(present=0.8, absent=0.2, absent_weight=0.3, mse_weight=0.1, name="other")
    again = PublishedLoss.from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert again.present == 0.8
    assert isinstance(keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss)), PublishedLoss)
