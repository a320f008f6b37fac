from pathlib import Path

import numpy as np
from numpy.testing import assert_allclose
from scipy.special import expit

from plb_ablate.models.plb.layers import ChannelGate
from tests.models.layer_contract import check_contract, draw, randomise


def test_contract(tmp_path: Path) -> None:
    weights = {"squeeze/kernel": (8, 8), "squeeze/bias": (8,), "excite/kernel": (8, 8), "excite/bias": (8,)}
    check_contract(ChannelGate(reduction=1, constant=True, name="g"), ((5, 6, 8),), (5, 6, 8), weights, tmp_path)


def test_one_network_serves_mean_and_maximum() -> None:
    layer, x = ChannelGate(), draw((3, 5, 6, 64))
    layer.build(x.shape)
    randomise(layer)
    squeeze, bias, excite, shift = (weight.numpy() for weight in layer.weights)
    logits = sum(np.maximum(v @ squeeze + bias, 0) @ excite + shift for v in (x.mean((1, 2)), x.max((1, 2))))
    assert_allclose(layer(x), x * expit(logits)[:, None, None], atol=1e-5)
