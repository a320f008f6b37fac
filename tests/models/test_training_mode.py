"""Training mode with dropout on: the loss over many masks against the plain port, and eager calls."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from plb_ablate.models.inspection import random_generators
from plb_ablate.models.plb.loss import PublishedLoss, smooth
from plb_ablate.models.plb.network import build_model
from plb_ablate.training.setup import seed_dropout
from tests.models.test_plain_port import twins

SINGLE = ("dwscnn", "cbam", "spa", "sa", "routing")
VARIANTS = ("none", *SINGLE, "spa_published", "routing_undilated", "forward_only", "backward_only")
SLOWLY = tuple(name for name in VARIANTS if name != "sa")
"""Variants whose masks are drawn with the long proofs: a minute each."""

DRAWS, BATCH, CLASSES = 200, 1, 5


def utterances(classes: int) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    x = 3.0 * random.standard_normal((BATCH, 196, 39, 1)).astype("float32")
    return x, smooth(np.eye(classes, dtype="float32")[np.arange(BATCH)], 0.1)


def losses(model: keras.Model, seed: int) -> Any:
    """Training losses of one batch, one for each draw of masks."""
    x, y = (tf.constant(value) for value in utterances(CLASSES))
    step = tf.function(lambda: PublishedLoss()(y, model(x, training=True)))
    for number, layer in enumerate(layer for layer in model._flatten_layers() if hasattr(layer, "seed_generator")):
        layer.seed_generator.state.assign([seed, 1000 * number])
    return np.array([step().numpy() for _ in range(DRAWS)])


@pytest.mark.parametrize("ablation", ["sa", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOWLY)])
def test_the_loss_over_many_masks_is_that_of_the_plain_port(ablation: str) -> None:
    """Means agree within the standard error of both, and spreads within theirs: dropout's rate, shape and scale."""
    fast, plain = twins(ablation)
    ours, theirs = losses(fast, 1), losses(plain, 2)
    error = np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / DRAWS)
    assert error > 0
    assert abs(ours.mean() - theirs.mean()) < 3 * error
    assert ours.std() / theirs.std() == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("ablation", VARIANTS)
def test_an_eager_call_gives_the_gradients_of_a_function(ablation: str) -> None:
    model = build_model(CLASSES, ablation)
    x, y = utterances(CLASSES)

    def slopes() -> Any:
        seed_dropout(random_generators(model), 42, 0, 0)
        with tf.GradientTape() as tape:
            loss = PublishedLoss()(y, model(x, training=True))
        return loss, tape.gradient(loss, model.trainable_variables)

    loss, eager = slopes()
    expected, compiled = tf.function(slopes)()
    assert_allclose(loss, expected, atol=1e-6)
    for weight, one, other in zip(model.trainable_variables, eager, compiled, strict=True):
        scale = float(tf.reduce_max(tf.abs(other)))
        assert_allclose(one, other, atol=1e-3 * scale + 1e-7, err_msg=weight.path)
