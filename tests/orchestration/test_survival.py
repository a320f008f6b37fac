"""Proofs that take minutes: sweeps that are killed or stopped end as one left alone."""

import csv
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.conftest import CommandLine
from tests.orchestration.test_sweep import cells, statuses

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SWEEP = (
    "-m",
    "ablation=none,sa+cbam",
    "trainer=smoke",
    "trainer.batch_size=4",
    "trainer.epochs=20",
    "protocol.n_splits=3",
    "n_jobs=2",
)
CELLS, RUNS = 6, 8
SMALL_MODEL = """\
import keras
from keras import layers

MODULES = ("sa", "cbam")


def build_model(num_classes, input_shape, removed):
    inputs = keras.Input(input_shape)
    x = layers.AveragePooling2D((14, 3))(inputs)
    for module in sorted({"sa", "cbam"} - removed):
        x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", name=module)(x))
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))
"""
"""A network that starts to train at once, for the proof with the most starts; it draws masks and moves statistics."""
JOBLIB = "hydra/launcher=joblib"


def start(folder: Path, *arguments: str, limit: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """Start a sweep as the leader of a process group that Ctrl-C reaches, as a shell does."""
    command = [sys.executable, "-m", "plb_ablate", *arguments]

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where these tests run in the background
        if limit:
            limit()

    with (folder / "output.txt").open("a") as output:
        return subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, text=True, start_new_session=True, preexec_fn=prepare
        )


def wait_for(process: subprocess.Popen[str], event: Callable[[], bool], seconds: float = 120) -> bool:
    """Whether the event comes before the process ends."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and not event():
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.02)
    return process.poll() is None


def happened(folder: Path) -> tuple[int, int]:
    """Cells finished, and epochs of the others."""
    notes = [file.read_text() for file in folder.glob("ledger/*/progress.json")]
    return len(list(folder.glob("ledger/*/result"))), sum(json.loads(note)["epoch"] for note in notes)


def until(folder: Path, event: str) -> Callable[[], bool]:
    """An event after now: a cell is done, or an epoch."""
    results, epochs = happened(folder)

    def come() -> bool:
        now = happened(folder)
        return now[0] > results or (event == "epoch" and now[1] > epochs)

    return come


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]


def finish_sweep(folder: Path, *arguments: str) -> None:
    assert start(folder, *arguments).wait(300) == 0, (folder / "output.txt").read_text()


def scores(folder: Path) -> dict[tuple[str, ...], dict[str, float]]:
    """The metrics of every run that counts, but the time it took."""
    with sqlite3.connect(folder / "mlflow.db") as store:
        runs = [row[0] for row in store.execute("SELECT run_uuid FROM runs WHERE lifecycle_stage = 'active'")]
        found = {}
        for run in runs:
            tags = dict(store.execute("SELECT key, value FROM tags WHERE run_uuid = ?", [run]))
            values = dict(store.execute("SELECT key, value FROM latest_metrics WHERE run_uuid = ?", [run]))
            key = tuple(tags.get(name, "") for name in ("level", "ablation", "fold", "cell"))
            assert key not in found
            found[key] = {name: value for name, value in values.items() if name != "seconds"}
    return found


def report(folder: Path) -> dict[str, str | bytes]:
    """Every file of the report but its HTML page, which shows the same tables.

    Ids of runs and columns of seconds, which no two trainings share, are blanked.
    """
    done = CommandLine(folder).run(module="plb_ablate.report")
    assert done.returncode == 0, done.stderr
    files = [file for file in sorted(folder.glob("reports/**/*")) if file.is_file() and file.suffix != ".html"]
    return {str(file.relative_to(folder)): _blanked(file) for file in files}


def _blanked(file: Path) -> str | bytes:
    if file.suffix not in (".md", ".csv", ".tex"):
        return file.read_bytes()
    text = re.sub(r"\b[0-9a-f]{32}\b", "<run>", file.read_text())
    between = {".md": "|", ".tex": "&"}.get(file.suffix)
    rows = [line.split(between) for line in text.splitlines()] if between else list(csv.reader(text.splitlines()))
    column = None
    for row in rows:
        if row and row[0].strip().startswith("\\"):
            continue  # a rule of LaTeX's, which is no row
        timed = [index for index, value in enumerate(row) if value.strip() in ("seconds", "seconds per fold")]
        column = timed[0] if timed else column if column is not None and len(row) > column else None
        if column is not None:
            row[column] = ""
    return "\n".join((between or ",").join(row) for row in rows)


@pytest.fixture(scope="module")
def job(small_corpus: Path) -> tuple[str, ...]:
    return (*SWEEP, f"dataset.root={small_corpus}")


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory: pytest.TempPathFactory, job: tuple[str, ...]) -> Path:
    """A folder in which the sweep has run without anything happening to it."""
    folder = tmp_path_factory.mktemp("alone")
    finish_sweep(folder, *job)
    return folder


@pytest.fixture(scope="module")
def small_job(job: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    (file := tmp_path_factory.mktemp("model") / "small.py").write_text(SMALL_MODEL)
    return (*job, "model=file", f"model.file={file}", "trainer.epochs=1000")


def assert_same(folder: Path, left_alone: Path) -> None:
    assert len(cells(folder)) == CELLS
    assert cells(folder) == cells(left_alone)
    assert statuses(folder) == ["FINISHED"] * RUNS
    assert scores(folder) == scores(left_alone)
    ours, theirs = report(folder), report(left_alone)
    assert ours.keys() == theirs.keys()
    for name, content in ours.items():
        assert content == theirs[name], name


def test_a_sweep_killed_at_20_random_moments_ends_as_one_left_alone(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, small_job: tuple[str, ...]
) -> None:
    finish_sweep(alone := tmp_path_factory.mktemp("alone"), *small_job)
    chance, hits = random.Random(20), {"start": 0, "epoch": 0, "result": 0}
    for number in range(20):
        event = {0: "start", 2: "result"}.get(number % 10, "epoch")
        process = start(tmp_path, *small_job)
        if event == "start" or wait_for(process, until(tmp_path, event)):
            time.sleep(chance.uniform(0, 6 if event == "start" else 0.6))
        if process.poll() is None:
            hits[event] += 1
            family = family_of(process)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert not psutil.wait_procs(family, timeout=5)[1]
    print(f"killed while it ran: {hits}; then done and begun: {happened(tmp_path)}")
    assert sum(hits.values()) == 20
    finish_sweep(tmp_path, *small_job)
    assert_same(tmp_path, alone)


def test_a_sweep_stopped_by_signals_leaves_nothing_behind_and_ends_as_one_left_alone(
    left_alone: Path, tmp_path: Path, job: tuple[str, ...]
) -> None:
    chance = random.Random(4)
    stops = [("start", signal.SIGTERM), ("epoch", signal.SIGINT), ("result", signal.SIGTERM), ("result", signal.SIGINT)]
    for event, number in stops:
        process = start(tmp_path, *job)
        if event != "start":
            assert wait_for(process, until(tmp_path, event))
        time.sleep(chance.uniform(2, 4) if event == "start" else chance.uniform(0, 0.4))
        family = family_of(process)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # Ctrl-C reaches all processes of a terminal
        else:
            process.send_signal(number)
        assert process.wait(60) == 128 + number
        assert not psutil.wait_procs(family, timeout=3)[1]
        output = (tmp_path / "output.txt").read_text()
        assert f"stopped by {number.name}: " in output
        assert event == "start" or f"of {CELLS} cells are done and kept in ledger" in output
        assert "Traceback" not in output
        if (tmp_path / "mlflow.db").exists():
            assert "RUNNING" not in statuses(tmp_path)
    finish_sweep(tmp_path, *job)
    assert_same(tmp_path, left_alone)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_joblib_jobs_end_with_the_sweep(
    left_alone: Path, tmp_path: Path, job: tuple[str, ...], number: signal.Signals
) -> None:
    process = start(tmp_path, *job[:-2], job[-1], JOBLIB)
    assert wait_for(process, until(tmp_path, "epoch"))
    family = family_of(process)
    assert len(family) >= 5, "two jobs, a worker each"
    process.send_signal(number)
    assert process.wait(60) == (-number if number == signal.SIGKILL else 128 + number)
    assert not psutil.wait_procs(family, timeout=3)[1]
    assert "RUNNING" not in statuses(tmp_path)
    if number == signal.SIGTERM:
        finish_sweep(tmp_path, *job[:-2], job[-1], JOBLIB)
        assert_same(tmp_path, left_alone)
