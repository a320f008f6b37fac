from pathlib import Path

import keras
import numpy as np
from numpy.testing import assert_allclose

from plb_ablate.models.plb.layers import DWSCNN
from tests.models.layer_contract import check_contract, draw, gradients, randomise


def test_contract(tmp_path: Path) -> None:
    weights = {
        "depthwise/kernel": (3, 3, 8, 1),
        "depthwise/bias": (8,),
        "pointwise/kernel": (1, 1, 8, 16),
        "pointwise/bias": (16,),
    }
    check_contract(
        DWSCNN(filters=16, dilation=1, precision="bfloat16", name="d"), ((9, 7, 8),), (7, 5, 16), weights, tmp_path
    )


def test_is_depthwise_then_pointwise() -> None:
    layer, x = DWSCNN(), draw((2, 12, 7, 64))
    plain = keras.Sequential([keras.layers.DepthwiseConv2D(3, dilation_rate=2), keras.layers.Conv2D(384, 1)])
    for one in (layer, plain):
        one.build(x.shape)
    randomise(layer)
    plain.set_weights(layer.get_weights())
    output, slopes = gradients(layer, x)
    expected, others = gradients(plain, x)
    assert_allclose(output, expected, atol=2e-5)
    for (name, slope), other in zip(slopes.items(), others.values(), strict=True):
        assert_allclose(slope, other, atol=2e-5 * np.abs(other).max(), err_msg=name)
