from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from plb_ablate.models.plb.layers import SpatialGate
from tests.models.layer_contract import check_contract, draw, gradients, randomise


class Plain(keras.layers.Layer):
    """A convolution of two maps, whatever the number of channels."""

    def build(self, shape: Any) -> None:
        self.conv = keras.layers.Conv2D(1, 7, padding="same", use_bias=False)
        self.bn = keras.layers.BatchNormalization(momentum=0.01, epsilon=1e-5)
        self.conv.build((*shape[:3], 2))
        self.bn.build((*shape[:3], 1))

    def call(self, x: Any, training: bool = False) -> Any:
        maps = keras.ops.concatenate([keras.ops.mean(x, -1, keepdims=True), keras.ops.max(x, -1, keepdims=True)], -1)
        return x * keras.ops.sigmoid(keras.ops.relu(self.bn(self.conv(maps), training=training)))


@pytest.mark.parametrize("channels", [1, 4])
def test_contract(tmp_path: Path, channels: int) -> None:
    weights: dict[str, tuple[int, ...]] = {"conv/kernel": (5, 5, 2, 1)}
    weights |= {f"bn/{name}": (1,) for name in ("gamma", "beta", "moving_mean", "moving_variance")}
    gate = SpatialGate(kernel_size=5, momentum=0.3, epsilon=1e-3, constant=True, name="g")
    check_contract(gate, ((8, 9, channels),), (8, 9, channels), weights, tmp_path)


@pytest.mark.parametrize("shape", [(3, 20, 64, 1), (8, 20, 5, 1), (11, 20, 9, 64)])
def test_multiplies_by_the_mask_of_mean_and_maximum(shape: tuple[int, ...]) -> None:
    gate, plain, x = SpatialGate(), Plain(), draw(shape)
    for layer in (gate, plain):
        layer.build(shape)
    randomise(gate)
    plain.set_weights(gate.get_weights())
    assert_allclose(gate(x, training=False), plain(x, training=False), atol=1e-5)
    output, slopes = gradients(gate, x)
    expected, others = gradients(plain, x)
    assert_allclose(output, expected, atol=1e-5)
    for (name, slope), other in zip(slopes.items(), others.values(), strict=True):
        assert_allclose(slope, other, atol=2e-5 * np.abs(other).max(), err_msg=name)
    assert_allclose(gate.bn.moving_mean, plain.bn.moving_mean, atol=1e-6)
    assert_allclose(gate.bn.moving_variance, plain.bn.moving_variance, rtol=1e-5)


def test_an_even_kernel_has_no_middle() -> None:
    with pytest.raises(ValueError, match="kernel_size=4"):
        SpatialGate(kernel_size=4)
