"""Whole sweeps as a user types them, in another process, on recordings."""

import hashlib
import json
import os
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import SMOKE, CommandLine


def cells(folder: Path) -> dict[str, dict[str, str]]:
    """For each finished cell, the hash of each of its files but the one that tells how long it took."""
    return {
        result.parent.name: {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in result.iterdir()
            if file.name != "run.json"
        }
        for result in folder.glob("ledger/*/result")
    }


def statuses(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "mlflow.db") as store:
        return [row[0] for row in store.execute("SELECT status FROM runs WHERE lifecycle_stage = 'active'")]


PART = (
    "synthetic: 24 of 144 utterances, speakers 03 to 06 missing, "
    "speakers with other counts: 01 (12 of 24), 02 (12 of 24)"
)
"""How the small corpus differs from the one that the package makes."""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory, small_corpus: Path) -> CommandLine:
    """A folder in which a sweep of two variants and two folds has run."""
    commands = CommandLine(tmp_path_factory.mktemp("sweep"))
    done = commands.run("-m", "ablation=none,sa+cbam", f"dataset.root={small_corpus}", *SMOKE)
    assert done.returncode == 0, done.stderr
    assert f"warning: {PART}.\n" in done.stderr
    assert "4 cells: 0 already done, 4 to train." in done.stderr
    assert "[4/4]" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return commands


def test_a_sweep_leaves_results_runs_and_a_report(sweep: CommandLine) -> None:
    assert len(cells(sweep.folder)) == 4
    assert statuses(sweep.folder) == ["FINISHED"] * 6
    kept = [json.loads(file.read_text()) for file in sweep.folder.glob("ledger/*/cell.json")]
    assert sorted((cell["ablation"], cell["fold"]) for cell in kept) == [
        ("cbam+sa", 0),
        ("cbam+sa", 1),
        ("none", 0),
        ("none", 1),
    ]
    report = sweep.run("--out", "first", module="plb_ablate.report")
    assert report.returncode == 0, report.stderr
    again = sweep.run("--out", "second", module="plb_ablate.report")
    assert again.returncode == 0, again.stderr
    first = {path.relative_to(sweep.folder / "first"): path.read_bytes() for path in sweep.folder.rglob("first/**/*.*")}
    assert first == {
        path.relative_to(sweep.folder / "second"): path.read_bytes() for path in sweep.folder.rglob("second/**/*.*")
    }
    page = (sweep.folder / "first" / "synthetic.md").read_text()
    differs = f"The corpus is not the published one**: {PART.removeprefix('synthetic: ')}."
    assert differs in page
    assert differs.replace("**", "") in report.stdout.replace("\n", " ").replace("**", "")
    assert "|proposed|95,093|" in page
    assert f"|{90_799 - 128 - 102 + 102:,}|" in page, "CBAM and LayerNorm are gone, the capsule gate is used once"


def test_a_sweep_run_again_trains_nothing_and_changes_nothing(sweep: CommandLine, small_corpus: Path) -> None:
    before = cells(sweep.folder)
    done = sweep.run("-m", "ablation=cbam+sa,none", f"dataset.root={small_corpus}", *SMOKE)
    assert done.returncode == 0, done.stderr
    assert "4 cells: 4 already done, 0 to train." in done.stderr
    assert cells(sweep.folder) == before
    assert len(statuses(sweep.folder)) == 6


def test_a_cell_is_the_same_alone_or_beside_others(
    sweep: CommandLine, commands: CommandLine, small_corpus: Path
) -> None:
    done = commands.run(f"dataset.root={small_corpus}", *SMOKE, "fold=1", "n_jobs=1")
    assert done.returncode == 0, done.stderr
    alone = cells(commands.folder)
    assert len(alone) == 1
    assert alone.items() <= cells(sweep.folder).items()


@pytest.mark.slow
def test_a_cell_that_is_killed_takes_no_other_with_it(commands: CommandLine, small_corpus: Path) -> None:
    job = (f"dataset.root={small_corpus}", *SMOKE, "ablation=routing", "n_jobs=1", "trainer.epochs=4")
    process = commands.start(*job)
    deadline = time.monotonic() + 120
    while not (found := list(commands.folder.glob("ledger/*/progress.json"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(json.loads(found[0].read_text())["pid"], signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "1 of 2 cells are not done" in output
    assert f"{found[0].parent.name}/log.txt" in output
    assert len(cells(commands.folder)) == 1
    done = commands.run(*job)
    assert done.returncode == 0, done.stderr
    assert "2 cells: 1 already done, 1 to train." in done.stderr
    assert "resuming after epoch" in (found[0].parent / "log.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ablation=cbmm"], "ablation=cbmm is unknown"),
        (["-m", "ablation=none,cbmm"], "ablation=cbmm is unknown"),
        (["+sede=3"], "unknown setting: sede"),
        (["experiments=published_emo"], "published_emodb"),
        (["dataset=ravdess"], "dataset.root=data/ravdess does not exist"),
        (
            ["-m", "ablation=none,cbam", "dataset=emodb", "dataset.root=."],
            "dataset=emodb expects <root>/wav/03a01Fa.wav",
        ),
    ],
)
def test_mistakes_fail_at_once_with_one_clear_message(commands: CommandLine, arguments: list[str], said: str) -> None:
    done = commands.run(*arguments)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (commands.folder / "mlflow.db").exists()


def test_bad_recordings_are_all_named_before_any_training(commands: CommandLine) -> None:
    folder = commands.folder / "emodb" / "wav"
    folder.mkdir(parents=True)
    tone = np.sin(np.arange(16_000) / 20)
    for name in ("03a01Fa", "03a01Nc", "03a01Wa", "08a01Fd"):
        soundfile.write(folder / f"{name}.wav", tone, 16_000)
    (folder / "08a01Na.wav").write_bytes(b"")
    soundfile.write(folder / "08a01Wa.wav", tone * 0, 16_000)
    soundfile.write(folder / "09a01Fa.wav", np.append(tone, np.nan), 16_000, subtype="FLOAT")
    whole = (folder / "03a01Fa.wav").read_bytes()
    (folder / "09a01Na.wav").write_bytes(whole[: len(whole) // 2])
    done = commands.run("-m", "ablation=none,sa", "dataset=emodb", "dataset.root=emodb", *SMOKE)
    assert done.returncode != 0
    assert "4 recordings cannot be used" in done.stderr
    for name in ("08a01Na", "08a01Wa", "09a01Fa", "09a01Na"):
        assert name in done.stderr
    assert not (commands.folder / "ledger").exists()


@pytest.mark.slow
def test_a_training_that_diverges_is_a_failure_and_no_result(commands: CommandLine, small_corpus: Path) -> None:
    job = (f"dataset.root={small_corpus}", *SMOKE, "fold=0", "trainer.learning_rate=1e30")
    done = commands.run(*job)
    assert done.returncode == 1
    assert "1 of 1 cells are not done" in done.stderr
    assert "DivergenceError: the training diverged in epoch 1 of 2" in done.stderr
    assert "Traceback" not in done.stderr
    assert not cells(commands.folder)
    assert not statuses(commands.folder)
