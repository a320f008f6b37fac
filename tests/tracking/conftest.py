"""What the tests of uploads share: a small study beside an empty store, in the current folder."""

import shutil
from pathlib import Path

import pytest

from plb_ablate.config.schema import Config
from tests.results_helper import a_config


@pytest.fixture
def config(small_corpus: Path, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return a_config(small_corpus, tmp_path)
