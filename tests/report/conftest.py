"""An MLflow store for each test, copied from the one that is made once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plb_ablate.ledger.store import Ledger
from plb_ablate.tracking.mlflow_writer import Tracker
from tests.report.store import Sweep, sqlite_uri
from tests.results_helper import a_config, finish, planned


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


@pytest.fixture(scope="session")
def study_folder(small_corpus: Path, empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the mlflow.db of a small study, its runs uploaded with all their artifacts.

    If PLB_ABLATE_STUDY names the folder of a study that was really run, it is that one: pictures for the docs.
    """
    if real := os.environ.get("PLB_ABLATE_STUDY"):
        return Path(real)
    folder = tmp_path_factory.mktemp("study")
    shutil.copy(empty_store, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number, ablation in enumerate(("none", "cbam")):
            config = a_config(small_corpus, folder, ablation=ablation, study="demo")
            prepared, cells = planned(config)
            tracker = Tracker(config.tracking, Ledger(Path(config.ledger)))
            for cell in cells:
                tracker.upload(finish(tracker.ledger, cell, prepared, seed=10 * number + cell.fold))
    return folder
