import importlib
import sys

import pytest

from plb_ablate.core.left_out_imports import leaving_out


def test_a_package_is_left_out_in_the_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with leaving_out("colorsys"), pytest.raises(ImportError):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys").rgb_to_hsv


def test_an_imported_package_stays() -> None:
    with leaving_out("json"):
        assert importlib.import_module("json") is sys.modules["json"]
    assert sys.modules["json"]
