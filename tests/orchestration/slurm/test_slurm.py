"""Sweeps on a real SLURM cluster of one node, which these tests start and stop."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from plb_ablate.core.cores import available_cores
from tests.conftest import SMOKE, CommandLine
from tests.orchestration.slurm.cluster import PROGRAMS, cluster
from tests.orchestration.test_sweep import statuses
from tests.tracking.servers import SBIN, until

MISSING = [program for program in PROGRAMS if not shutil.which(program, path=SBIN)]

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.timeout(1000),
    pytest.mark.skipif(bool(MISSING), reason=f"tests/orchestration/slurm/install.sh installs {', '.join(MISSING)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="slurmd starts tasks as root only"),
]

SLURM = ("-m", "hydra/launcher=slurm", "hydra.launcher.mem_gb=2")
SECRET = "canary-8f2c11"


def in_cluster(monkeypatch: pytest.MonkeyPatch, *, accounting: bool) -> Iterator[None]:
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    with cluster(folder, accounting=accounting) as environment:
        for name in ("SLURM_CONF", "PATH"):
            monkeypatch.setenv(name, environment[name])
        yield
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def slurm() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from in_cluster(monkeypatch, accounting=True)


@contextmanager
def started(commands: CommandLine, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command under way, which does not outlive the block."""
    process = commands.start(*arguments)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def queue() -> str:
    return subprocess.check_output(["squeue", "--noheader"], text=True)


def cell(folder: Path, ablation: str) -> Path | None:
    """The ledger's folder of a cell that has begun to train."""
    found = [
        file.parent
        for file in folder.glob("ledger/*/cell.json")
        if json.loads(file.read_text())["ablation"] == ablation
    ]
    return found[0] if found and (found[0] / "progress.json").exists() else None


def test_a_task_killed_hard_is_reported_and_the_sweep_goes_on(
    slurm: None, commands: CommandLine, small_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
    job = (*SLURM, f"dataset.root={small_corpus}", *SMOKE, "trainer.epochs=5", "ablation=routing,sa,cbam", "fold=0")
    with started(commands, *job) as process:
        assert until(lambda: cell(commands.folder, "routing"), 400)
        folder = cell(commands.folder, "routing")
        assert folder
        worker = psutil.Process(json.loads((folder / "progress.json").read_text())["pid"])
        task = next(parent for parent in worker.parents() if "submitit" in " ".join(parent.cmdline()))
        task.kill()
        output, _ = process.communicate(timeout=300)
    assert process.returncode == 1, output
    assert "1 of 3 cells are not done" in output
    (line,) = [line for line in output.splitlines() if line.startswith("  synthetic routing")]
    assert "ended as FAILED" in line
    assert Path(line.partition("its log: ")[2].partition(")")[0]).exists()
    states = {path.name: path.parent.name for path in commands.folder.glob("ledger/*/result")}
    assert len(list(commands.folder.glob("ledger/*/result"))) == 2, states
    assert statuses(commands.folder) == ["FINISHED"] * 4
    written = [file for file in commands.folder.rglob("*") if file.is_file() and "mlflow.db-" not in file.name]
    assert [file for file in written if SECRET.encode() in file.read_bytes()] == []

    again = commands.run(*job)
    assert again.returncode == 0, again.stderr
    assert "3 cells: 2 already done, 1 to train." in again.stderr
    assert "resuming after epoch" in (folder / "log.txt").read_text()
    assert statuses(commands.folder) == ["FINISHED"] * 6
    *_, latest = sorted(commands.folder.glob("logs/*/slurm"))
    assert len(list(latest.glob("*_result.pkl"))) == 1, "what was done is not submitted again"


def test_an_interrupted_sweep_takes_its_tasks_back(slurm: None, commands: CommandLine, small_corpus: Path) -> None:
    job = (*SLURM, f"dataset.root={small_corpus}", *SMOKE, "trainer.epochs=2000", "ablation=sa", "fold=0,1")
    with started(commands, *job) as process:
        assert until(lambda: list(commands.folder.glob("ledger/*/progress.json")), 400)
        assert queue()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "cancelled SLURM job" in output
    assert until(lambda: not queue(), 30)
    assert "RUNNING" not in statuses(commands.folder)


def test_a_task_trains_as_many_cells_at_a_time_as_it_has_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert available_cores() == 1


def test_a_cluster_without_accounting_is_refused_at_once(
    commands: CommandLine, small_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in in_cluster(monkeypatch, accounting=False):
        done = commands.run(*SLURM, f"dataset.root={small_corpus}", *SMOKE, "ablation=none,sa")
    assert done.returncode == 2
    assert "AccountingStorageType=(null)" in done.stderr or "accounting_storage/none" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (commands.folder / "ledger").exists()
