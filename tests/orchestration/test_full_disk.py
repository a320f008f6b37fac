"""A proof that takes minutes: a disk without room fails cells, and costs no result."""

import re
import resource
import shutil
from pathlib import Path

import pytest

from tests.conftest import SMOKE
from tests.orchestration.test_survival import JOBLIB, finish_sweep, start
from tests.orchestration.test_sweep import cells, statuses

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("launcher", [JOBLIB, "hydra/launcher=basic"])
def test_a_disk_without_room_fails_the_cell_and_nothing_half_written_counts(
    tmp_path: Path, small_corpus: Path, empty_store: Path, launcher: str
) -> None:
    job = ("-m", "ablation=none,dwscnn", *SMOKE, f"dataset.root={small_corpus}", launcher)
    room = 1_300_000  # bytes a file: enough for a state of the smaller network, but not for that of the whole one
    shutil.copy(empty_store, tmp_path / "mlflow.db")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))

    assert start(tmp_path, *job, "tracking=none", limit=limit).wait(300) == 1
    output = (tmp_path / "output.txt").read_text()
    assert "2 of 4 cells are not done" in output
    assert "File too large. Free disk space" in re.sub(r"\s+", " ", output)
    assert len(cells(tmp_path)) == 2
    assert not list(tmp_path.glob("ledger/*/.*"))
    failed = [file.parent for file in tmp_path.glob("ledger/*/error.txt")]
    assert len(failed) == 2
    assert all("Traceback" in (folder / "log.txt").read_text() for folder in failed)
    finish_sweep(tmp_path, *job)
    assert len(cells(tmp_path)) == 4
    assert statuses(tmp_path) == ["FINISHED"] * 6
