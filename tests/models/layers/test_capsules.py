from pathlib import Path

import numpy as np
from numpy.testing import assert_allclose

from plb_ablate.models.plb.layers import ToCapsules, squash
from tests.models.layer_contract import check_contract, draw


def test_contract(tmp_path: Path) -> None:
    check_contract(ToCapsules(dimension=8, name="c"), ((4, 3, 16),), (24, 8), {}, tmp_path)


def test_squash_follows_its_formula() -> None:
    vectors = draw((5, 7, 8))
    squared = (vectors**2).sum(-1, keepdims=True)
    assert_allclose(squash(vectors), vectors * squared / (1 + squared) / np.sqrt(squared + 1e-7), atol=1e-6)


def test_squash_keeps_lengths_below_one_and_zero_at_zero() -> None:
    assert (np.linalg.norm(squash(100 * draw((50, 8))), axis=-1) < 1).all()
    assert_allclose(squash(np.zeros((2, 8), np.float32)), 0)


def test_capsules_are_cut_in_the_order_of_height_width_channel() -> None:
    x = draw((2, 3, 2, 384))
    assert_allclose(ToCapsules()(x), squash(x.reshape(2, 36, 64)), atol=1e-7)
