from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from plb_ablate.models.plb.kernels.mixed_precision import in_precision
from plb_ablate.models.plb.layers import DWSCNN, ConvBlock, ScaledAttention
from tests.models.layer_contract import draw, gradients, randomise


def test_float32_is_the_product_itself() -> None:
    assert in_precision(tf.matmul, "float32") is tf.matmul


def test_products_round_their_factors_and_return_float32() -> None:
    x = draw((5, 6))
    found = in_precision(tf.matmul, "bfloat16")(x, x, transpose_b=True)
    assert found.dtype == tf.float32
    rounded = tf.cast(tf.cast(x, tf.bfloat16), tf.float32).numpy()
    assert_allclose(found, rounded @ rounded.T, rtol=0.01, atol=0.01)
    assert not np.allclose(found, x @ x.T, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda precision: ConvBlock(8, dilation=2, dropout=0.0, precision=precision), (2, 12, 10, 4)),
        (lambda precision: DWSCNN(8, precision=precision), (2, 9, 8, 4)),
        (lambda precision: ScaledAttention(precision), (2, 12, 8)),
    ],
)
def test_layers_differ_in_training_by_rounding_and_not_at_all_in_inference(make: Any, shape: tuple[int, ...]) -> None:
    whole, low, x = make("float32"), make("bfloat16"), draw(shape, scale=0.4)
    for layer in (whole, low):
        layer.build(shape)
    randomise(whole)
    low.set_weights(whole.get_weights())
    assert_allclose(low(x, training=False), whole(x, training=False), atol=0)
    (output, slopes), (expected, others) = gradients(low, x), gradients(whole, x)
    assert not np.array_equal(output, expected)
    assert_allclose(output, expected, atol=0.05 * np.abs(expected).max())
    for (name, slope), other in zip(slopes.items(), others.values(), strict=True):
        assert slope.dtype == np.float32
        assert_allclose(slope, other, atol=0.1 * np.abs(other).max() + 1e-6, err_msg=name)
    assert type(low).from_config(low.get_config()).precision == "bfloat16"
