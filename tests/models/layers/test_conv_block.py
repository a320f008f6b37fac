from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from plb_ablate.models.plb.kernels.fused_conv_block import elu_pool
from plb_ablate.models.plb.layers import ConvBlock
from tests.models.layer_contract import check_contract, draw, gradients, randomise


class Plain(keras.layers.Layer):
    """The five standard layers, one after the other."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.stages = [
            keras.layers.Conv2D(64, 3, dilation_rate=dilation),
            keras.layers.BatchNormalization(axis=1),
            keras.layers.ELU(),
            keras.layers.AveragePooling2D(2),
        ]

    def build(self, shape: Any) -> None:
        for stage in self.stages:
            stage.build(shape)
            shape = stage.compute_output_shape(shape)

    def call(self, x: Any, training: bool = False) -> Any:
        for stage in self.stages:
            x = stage(x, training=training) if isinstance(stage, keras.layers.BatchNormalization) else stage(x)
        return x


def twins(shape: tuple[int, ...], dilation: int) -> tuple[ConvBlock, Plain]:
    block, plain = ConvBlock(dilation=dilation, dropout=0.0), Plain(dilation)
    for layer in (block, plain):
        layer.build(shape)
    randomise(block)
    plain.set_weights(block.get_weights())
    return block, plain


@pytest.mark.parametrize("channels", [1, 3])
def test_contract(tmp_path: Path, channels: int) -> None:
    weights = {"conv/kernel": (3, 3, channels, 8), "conv/bias": (8,)}
    weights |= {f"bn/{name}": (11,) for name in ("gamma", "beta", "moving_mean", "moving_variance")}
    block = ConvBlock(filters=8, dilation=3, dropout=0.1, momentum=0.5, precision="bfloat16", name="b")
    check_contract(block, ((17, 14, channels),), (5, 4, 8), weights, tmp_path)


@pytest.mark.parametrize(("shape", "dilation"), [((4, 20, 39, 1), 1), ((4, 21, 18, 64), 2), ((4, 13, 12, 1), 2)])
def test_is_convolution_normalisation_elu_and_pooling(shape: tuple[int, ...], dilation: int) -> None:
    block, plain = twins(shape, dilation)
    x = draw(shape) + 2.0
    assert_allclose(block(x, training=False), plain(x, training=False), atol=2e-5)
    output, slopes = gradients(block, x)
    expected, others = gradients(plain, x)
    assert_allclose(output, expected, atol=2e-5)
    for (name, slope), other in zip(slopes.items(), others.values(), strict=True):
        assert_allclose(slope, other, atol=2e-5 * np.abs(other).max(), err_msg=name)
    for name in ("moving_mean", "moving_variance"):
        assert_allclose(getattr(block.bn, name), getattr(plain.stages[1], name), rtol=1e-5, atol=1e-7)


def test_normalisation_holds_for_inputs_far_from_zero() -> None:
    block, plain = twins((4, 12, 39, 1), 1)
    x = draw((4, 12, 39, 1)) - 600.0
    assert_allclose(block(x, training=True), plain(x, training=True), atol=2e-3)
    assert_allclose(block.bn.moving_variance, plain.stages[1].moving_variance, rtol=1e-4)


def test_dropout_takes_whole_channels_in_training_only() -> None:
    block, kept = ConvBlock(dropout=0.5), twins((8, 12, 12, 1), 1)[0]
    block.build((8, 12, 12, 1))
    block.set_weights([*kept.get_weights(), *block.get_weights()[len(kept.get_weights()) :]])
    x = draw((8, 12, 12, 1))
    dropped, full = (layer(x, training=True).numpy() for layer in (block, kept))
    share = (dropped == 0).all(axis=(1, 2)).mean()
    assert 0.4 < share < 0.6
    assert_allclose(dropped, np.where(dropped == 0, 0, 2 * full), atol=1e-5)
    assert (block(x, training=False).numpy() != 0).any(axis=(1, 2)).all()


def test_dropout_draws_anew_each_call_and_repeats_from_the_same_state() -> None:
    block, x = ConvBlock(dropout=0.5), draw((8, 12, 12, 1))
    block(x)
    state = next(variable for variable in block.non_trainable_variables if variable.path.endswith("generator_state"))
    masks = []
    for start in ([7, 0], None, [7, 0]):
        if start:
            state.assign(start)
        masks.append(block(x, training=True).numpy() == 0)
    assert (masks[0] == masks[2]).all()
    assert (masks[0] != masks[1]).any()


def test_the_bits_of_the_pooled_sum_do_not_depend_on_its_parts() -> None:
    """In a graph, which may reorder sums: 70 time steps are more than one part, and 576 values a step fill vectors."""
    random = np.random.default_rng(0)
    first, second, *places = (
        tf.constant(random.standard_normal((70, 10, width)).astype("float32")) for width in (64, 64, *[576] * 4)
    )

    def whole(first: Any, second: Any, *places: Any) -> Any:
        kernels = (first, first, second, second)
        outputs = [tf.nn.elu(tf.matmul(p, k, transpose_a=True)) for p, k in zip(places, kernels, strict=True)]
        return ((outputs[0] + outputs[1]) + outputs[2]) + outputs[3]

    def with_gradients(function: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([first, second])
            output = function(first, second, *places)
        return output, *tape.gradient(output, [first, second], output)

    ours, theirs = (tf.function(partial(with_gradients, f), autograph=False)() for f in (elu_pool, whole))
    for one, other in zip(ours, theirs, strict=True):
        assert np.array_equal(one, other)
