from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import softmax

from plb_ablate.models.plb.layers import DynamicRouting, squash
from tests.models.layer_contract import check_contract, draw, randomise


def test_contract(tmp_path: Path) -> None:
    layer = DynamicRouting(capsules=3, dimension=5, iterations=2, name="r")
    check_contract(layer, ((11, 8),), (3, 5), {"kernel": (1, 8, 15)}, tmp_path)


def reference(x: Any, kernel: Any, capsules: int, iterations: int) -> Any:
    """The procedure as it is written, with every prediction vector."""
    predictions = (x @ kernel[0]).reshape(*x.shape[:2], capsules, -1)
    logits = np.zeros(predictions.shape[:3])
    for iteration in range(iterations):
        outputs = (softmax(logits, axis=2)[..., None] * predictions).sum(axis=1)
        if iteration < iterations - 1:
            direction = outputs / np.linalg.norm(outputs, axis=-1, keepdims=True)
            logits = (direction[:, None] * predictions).sum(axis=-1)
    return squash(outputs.astype("float32"))


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_routes_by_agreement(iterations: int) -> None:
    layer, x = DynamicRouting(iterations=iterations), draw((2, 40, 64), scale=0.3)
    layer.build(x.shape)
    randomise(layer)
    expected = reference(x.astype("float64"), layer.kernel.numpy(), 6, iterations)
    assert_allclose(layer(x), expected, atol=1e-5)


def test_iterations_and_capsules_matter() -> None:
    x, outputs = draw((2, 40, 64), scale=0.3), []
    for iterations in (1, 2, 3):
        layer = DynamicRouting(iterations=iterations)
        layer.build(x.shape)
        randomise(layer)
        outputs.append(layer(x).numpy())
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3
    assert np.abs(outputs[1] - outputs[2]).max() > 1e-3
    assert np.abs(outputs[0][:, 0] - outputs[0][:, 1]).max() > 1e-2
