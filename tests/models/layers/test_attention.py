from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import softmax

from plb_ablate.models.plb.layers import ScaledAttention, UniformAttention
from tests.models.layer_contract import check_contract, draw, gradients, randomise


def test_contract(tmp_path: Path) -> None:
    check_contract(ScaledAttention("bfloat16", name="a"), ((5, 6, 8), (5, 3, 8)), (5, 6, 8), {"scale": ()}, tmp_path)


def test_contract_of_uniform_attention(tmp_path: Path) -> None:
    check_contract(UniformAttention(name="u"), ((6, 8),), (6, 8), {}, tmp_path)


def test_is_softmax_of_scaled_products_over_the_last_two_axes() -> None:
    layer, query, value = ScaledAttention(), draw((2, 5, 6, 8)), draw((2, 5, 6, 8), seed=1)
    layer.build(query.shape, value.shape)
    layer.scale.assign(0.7)
    expected = softmax(0.7 * query @ np.swapaxes(value, -1, -2), axis=-1) @ value
    assert_allclose(layer(query, value), expected, atol=1e-6)


def test_scale_starts_at_one_without_the_square_root_of_the_dimension() -> None:
    layer, x = ScaledAttention(), draw((2, 7, 8), scale=0.2)
    assert_allclose(layer(x, x), softmax(x @ np.swapaxes(x, -1, -2), axis=-1) @ x, atol=1e-6)


def test_one_scale_serves_two_attentions() -> None:
    layer = ScaledAttention()
    layer(draw((2, 5, 6, 8)), draw((2, 5, 6, 8)))
    layer(draw((2, 9, 8)), draw((2, 9, 8)))
    assert len(layer.weights) == 1


@pytest.mark.parametrize("size", [0.4, 5.0])
@pytest.mark.parametrize(("batch", "vectors"), [(3, 13), (4, 12), (16, 21), (2, 25)])
def test_attention_to_itself_gives_the_gradient_of_attention_to_an_equal_value(
    size: float, batch: int, vectors: int
) -> None:
    """Small scores take the way through half the matrix, large ones the general way."""
    layer, x = ScaledAttention(), draw((batch, vectors, 8), scale=size)
    layer.build(x.shape)
    randomise(layer)
    output, together = gradients(layer, x)
    expected, apart = gradients(layer, x, x.copy())
    assert_allclose(output, expected, atol=1e-6 * size)
    assert_allclose(together["input0"], apart["input0"] + apart["input1"], rtol=1e-6, atol=1e-5 * size**3)
    assert_allclose(together[layer.scale.path], apart[layer.scale.path], rtol=1e-4)


def test_large_scores_stay_finite() -> None:
    x = 50.0 * draw((2, 6, 8))
    output, slopes = gradients(ScaledAttention(), x, x)
    assert np.isfinite(output).all()
    assert all(np.isfinite(slope).all() for slope in slopes.values())
