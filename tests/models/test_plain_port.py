"""The fast layers against the plain port: same weights, same output, same gradients, same moving statistics."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from plb_ablate.bench.plain_port import plain_model, plain_weights
from plb_ablate.models.inspection import named_weights
from plb_ablate.models.plb.loss import PublishedLoss
from plb_ablate.models.plb.network import INPUT_SHAPE, build_model

BATCH, CLASSES = 4, 5


def twins(
    ablation: str, reverse: str = "coefficient", shape: tuple[int, int, int] = INPUT_SHAPE
) -> tuple[keras.Model, keras.Model]:
    """The fast and the plain model at equal weights."""
    fast = build_model(CLASSES, ablation, reverse, input_shape=shape)
    plain = plain_model(CLASSES, ablation, reverse, shape)
    ours, theirs = named_weights(fast), plain_weights(plain)
    assert {name: weight.shape for name, weight in ours.items()} == {name: w.shape for name, w in theirs.items()}
    for name, weight in ours.items():
        draw = np.random.default_rng(list(name.encode()))
        positive = name.endswith(("gamma", "variance", "scale"))
        weight.assign(draw.uniform(0.5, 1.5, weight.shape) if positive else 0.1 * draw.standard_normal(weight.shape))
        theirs[name].assign(weight)
    return fast, plain


def step(model: keras.Model, x: Any, y: Any) -> tuple[Any, list[Any]]:
    for layer in model._flatten_layers():
        if hasattr(layer, "rate"):
            layer.rate = 0.0

    @tf.function
    def run() -> Any:
        with tf.GradientTape() as tape:
            output = model(x, training=True)
            loss = PublishedLoss()(y, output)
        return output, tape.gradient(loss, [weight.value for weight in model.trainable_weights])

    output, slopes = run()
    return output.numpy(), [slope.numpy() for slope in slopes]


def compare(
    ablation: str, reverse: str = "coefficient", shape: tuple[int, int, int] = INPUT_SHAPE, streams: float = 1e-3
) -> None:
    """Hold one training step of the fast model against the plain one.

    Both streams update the statistics of the one CBAM, and which comes first is Keras's choice: they may differ by a
    hundredth of what the streams differ by, which `streams` allows for.
    """
    fast, plain = twins(ablation, reverse, shape)
    x = 3.0 * np.random.default_rng(0).standard_normal((BATCH, *shape)).astype("float32")
    y = np.eye(CLASSES, dtype="float32")[[0, 3, 1, 3]]
    assert_allclose(fast(x, training=False), plain(x, training=False), atol=2e-6)
    (output, slopes), (expected, others) = step(fast, x, y), step(plain, x, y)
    assert_allclose(output, expected, atol=2e-6)
    scale = max(np.abs(other).max() for other in others)
    by_name = dict(zip((w.path.replace(".", "/") for w in plain.trainable_weights), others, strict=True))
    for weight, slope in zip(fast.trainable_weights, slopes, strict=True):
        other = by_name[weight.path]
        assert_allclose(slope, other, atol=1e-3 * np.abs(other).max() + 1e-6 * scale, err_msg=weight.path)
    for name, weight in named_weights(fast).items():
        tolerance = streams if name.startswith("cbam/spatial/bn/moving") else 1e-5
        assert_allclose(weight, plain_weights(plain)[name], rtol=tolerance, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("ablation", ["none", "dwscnn", "cbam+spa", "spa_published", "routing_undilated"])
def test_the_fast_model_is_the_plain_one(ablation: str) -> None:
    compare(ablation)
