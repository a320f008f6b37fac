"""Scores, on cases that can be counted by hand."""

import numpy as np
import pytest

from plb_ablate.training.metrics import PREDICTED_CLASSES, SCORES, is_flat, published_score, score_predictions, wa


def test_published_score_weighs_a_short_batch_like_a_full_one() -> None:
    labels = np.zeros(33, dtype=int)
    predicted = np.array([0] * 32 + [1])
    assert published_score(labels, predicted) == 0.5
    assert wa(labels, predicted) == pytest.approx(32 / 33)


def test_published_score_of_full_batches_is_wa() -> None:
    random = np.random.default_rng(1)
    labels, predicted = random.integers(0, 3, (2, 64))
    assert published_score(labels, predicted) == pytest.approx(wa(labels, predicted))


def test_ua_and_macro_f1_count_classes_equally() -> None:
    labels = np.array([0, 0, 0, 1])
    scores = score_predictions(labels, np.array([0, 0, 0, 0]))
    assert tuple(scores) == (*SCORES, PREDICTED_CLASSES)
    assert scores["wa"] == 0.75
    assert scores["ua"] == 0.5
    assert scores["macro_f1"] == pytest.approx((6 / 7) / 2)


def test_classes_that_the_fold_lacks_are_left_out() -> None:
    scores = score_predictions(np.array([0, 0, 2, 2]), np.array([0, 1, 2, 2]))
    assert scores["ua"] == 0.75
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("seed", range(20))
def test_scores_have_the_bits_of_scikit_learn(seed: int) -> None:
    """Workers do not import it; classes may be missing among the labels or the predictions."""
    from sklearn.metrics import f1_score, recall_score

    random = np.random.default_rng(seed)
    labels, predicted = random.integers(0, random.integers(2, 9), 54), random.integers(0, random.integers(1, 9), 54)
    options = {"labels": np.unique(labels), "average": "macro", "zero_division": 0.0}
    scores = score_predictions(labels, predicted)
    assert scores["ua"] == recall_score(labels, predicted, **options)
    assert scores["macro_f1"] == f1_score(labels, predicted, **options)


def test_a_model_is_flat_if_it_predicts_one_class_although_there_are_several() -> None:
    labels = np.array([0, 0, 1, 2])
    assert is_flat(score_predictions(labels, np.zeros(4, int)))
    assert not is_flat(score_predictions(labels, np.array([0, 0, 0, 2])))
    assert not is_flat(score_predictions(np.zeros(4, int), np.zeros(4, int)))
    assert not is_flat({"wa": 0.5}), "runs of earlier versions do not have the number"
