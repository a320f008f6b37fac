from pathlib import Path

import numpy as np
import pytest

from plb_ablate.models.plb.layers import Reverse
from tests.models.layer_contract import check_contract, draw


def test_contract(tmp_path: Path) -> None:
    check_contract(Reverse(axis=1, name="r"), ((5, 6, 1),), (5, 6, 1), {}, tmp_path)


@pytest.mark.parametrize("axis", [1, 2])
def test_reverses_one_axis(axis: int) -> None:
    x = draw((2, 5, 6, 1))
    assert (Reverse(axis)(x).numpy() == np.flip(x, axis)).all()
