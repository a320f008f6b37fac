"""An MLflow store for each test, copied from one that is made once: making the tables takes seconds."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from .store import Sweep, sqlite_uri


def pytest_configure(config: pytest.Config) -> None:
    """Let pass what MLflow's own mapping makes SQLAlchemy 2.1 warn of."""
    config.addinivalue_line("filterwarnings", "ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(sqlite_uri(path)).search_experiments()
    return path


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
