"""An MLflow store for each test, copied from the one that is made once."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .store import Sweep, sqlite_uri


@pytest.fixture
def uri(empty_store: Path, tmp_path: Path) -> str:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return sqlite_uri(tmp_path / "mlflow.db")


@pytest.fixture
def sweep(uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Sweep]:
    monkeypatch.chdir(tmp_path)

    def make(**settings: Any) -> Sweep:
        return Sweep(uri, **settings)

    return make
