"""Cores are counted in one place, which knows what a process, a container and a SLURM task are allowed."""

import re
from pathlib import Path

import joblib
import pytest

import plb_ablate
from plb_ablate.core.cores import available_cores
from plb_ablate.features.extraction import _workers
from plb_ablate.orchestration.settled_settings import processes


@pytest.mark.parametrize(("task", "cores"), [("3", 3), ("64", 8), ("", 8), (None, 8)])
def test_a_slurm_task_has_no_more_than_it_was_given(
    task: str | None, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    if task is not None:
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", task)
    assert available_cores() == cores


def test_launchers_and_extraction_keep_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert processes(-1, 4) == 1
    assert _workers(-1) == 1
    assert _workers(2) == 2


def test_nothing_else_counts_cores() -> None:
    package = Path(plb_ablate.__file__).parent
    counting = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"sched_getaffinity|cpu_count|SLURM_CPUS_PER_TASK", path.read_text())
    ]
    assert counting == ["core/cores.py"]
