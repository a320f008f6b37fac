"""Sweeps whose variants race, with trainings that take a moment: what is trained, decided, spared and resumed."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from plb_ablate import load_runs, status
from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schedule import Schedule
from plb_ablate.config.schema import Config
from plb_ablate.core.errors import CellError, ConfigError
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.race_records import race_records
from plb_ablate.ledger.store import Ledger
from plb_ablate.orchestration import racing_sweep, run_job
from plb_ablate.orchestration.dry_run import show
from plb_ablate.orchestration.hydra_app import sweep_of
from plb_ablate.orchestration.race_launcher import at_once_with_joblib, check_launcher
from plb_ablate.orchestration.race_words import race_record
from plb_ablate.orchestration.racing_sweep import RacingSweep
from plb_ablate.orchestration.worker import FAILED, WorkerSetup
from plb_ablate.status import rows
from tests.orchestration.quick_training import train_quickly
from tests.orchestration.races import EFFECTS
from tests.orchestration.test_sweep import cells
from tests.results_helper import a_config

FOLDS = 10
WHOLE_STUDY = FOLDS * len(EFFECTS)
LEAVE = {"cbam": ("futile", 4), "sa": ("shown", 9), "dwscnn": ("shown", 7), "routing": ("shown", 6)}
"""What is decided of the scores of `tests.orchestration.races`, and after how many folds."""


def jobs(root: Path, folder: Path, schedule: str = "racing") -> list[Config]:
    configs = [a_config(root, folder, ablation=name, schedule=Schedule(schedule), n_jobs=2) for name in EFFECTS]
    for config in configs:
        config.protocol = Protocol("nested", n_splits=FOLDS, validation_fraction=0.3)
        config.tracking.uri = None
    return configs


def train_here(
    cells: Sequence[Cell],
    ledger: Ledger,
    n_jobs: int,
    setup: WorkerSetup,
    *,
    on_end: Callable[[Cell, str, str], None],
    on_poll: Callable[[], None] = lambda: None,
    more: Callable[[], Sequence[Cell]] = lambda: (),
) -> None:
    """Train in this process what `train_cells` trains in others; of several cells the last one ends first."""
    waiting = [*cells, *more()]
    while waiting:
        assert len(waiting) <= n_jobs or cells
        cell = waiting.pop()
        outcome = train_quickly(cell, ledger.root)
        on_end(cell, outcome, ledger.entry(cell).error if outcome == FAILED else "")
        waiting += more()


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(racing_sweep, "train_cells", train_here)
    monkeypatch.setattr(run_job, "train_cells", train_here)


def run_all(configs: Sequence[Config]) -> RacingSweep:
    """Run every job of a sweep, as Hydra does."""
    sweep = sweep_of(configs)
    with sweep.running():
        for config in configs:
            sweep.run(config)
    assert isinstance(sweep, RacingSweep)
    return sweep


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory, small_corpus: Path) -> Path:
    """A folder in which a race has been held."""
    folder = tmp_path_factory.mktemp("raced")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(racing_sweep, "train_cells", train_here)
        (race,) = run_all(jobs(small_corpus, folder)).races
    assert {name: (why, number) for name, (number, why) in race.race.decided.items()} == LEAVE
    assert len(cells(folder)) == race.race.trainings == WHOLE_STUDY - 15
    return folder


def test_a_race_is_kept_on_record_and_found_held(small_corpus: Path, raced: Path) -> None:
    (record,) = race_records(Ledger(raced / "ledger")).values()
    assert {name: (s["outcome"], s["at"]) for name, s in record["standings"].items()} == LEAVE
    assert record["saved"] == 15
    before = {file: file.stat().st_mtime_ns for file in raced.glob("ledger/*/result")}
    (again,) = run_all(jobs(small_corpus, raced)).races
    assert json.dumps(race_record(again.name, again.race)) == json.dumps(record)
    assert {file: file.stat().st_mtime_ns for file in raced.glob("ledger/*/result")} == before


def test_all_cells_trained_later_are_those_of_a_sweep_that_trains_all(
    small_corpus: Path, raced: Path, tmp_path: Path
) -> None:
    held = cells(raced)
    shutil.copytree(raced, tmp_path / "later")
    configs = jobs(small_corpus, tmp_path / "later", "all")
    sweep = sweep_of(configs)
    assert not isinstance(sweep, RacingSweep)
    with sweep.running():
        for config in configs:
            sweep.run(config)
    later = cells(tmp_path / "later")
    assert later.keys() == {cell.id for cell in sweep.cells}
    assert len(later) == WHOLE_STUDY
    assert held.items() < later.items()


def test_status_tells_what_is_decided_and_how_the_race_stands(
    small_corpus: Path, raced: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configs = jobs(small_corpus, raced)
    ledger, planned = Ledger(raced / "ledger"), Plan().cells(*configs)
    told = rows(ledger, planned, races=race_records(ledger))
    states = Counter(row["state"] for row in told)
    assert states == {"done": WHOLE_STUDY - 15, "decided": 15}
    decided = {(row["ablation"], row["fold"]) for row in told if row["state"] == "decided"}
    assert decided == {
        (name, fold)
        for name, number in [*((name, number) for name, (_, number) in LEAVE.items()), ("none", 9)]
        for fold in range(number, FOLDS)
    }
    assert Counter(row["state"] for row in rows(ledger, planned))["missing"] == 15, (
        "all are to be trained without a race"
    )
    assert status.main(["--ledger", str(raced / "ledger")]) == 0
    printed = capsys.readouterr().out
    assert "4 of 4 variants decided, 15 of 50 trainings saved so far" in printed
    assert "routing\t6/10\t+23.93\t+16.06 to +31.80\t100 %\tshown" in printed


def test_a_dry_run_estimates_both_schedules(
    small_corpus: Path, raced: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show(jobs(small_corpus, raced))
    printed = capsys.readouterr().out
    assert "35 to skip, 15 to leave out, its variant is decided." in printed
    assert "Racing: about" not in printed
    begun = tmp_path / "begun"
    shutil.copytree(raced, begun)
    for result in [*begun.glob("ledger/*/result")][5:]:
        shutil.rmtree(result.parent)
    show(jobs(small_corpus, begun))
    printed = capsys.readouterr().out
    assert "as with schedule=all. Racing: about" in printed
    assert "64 % of the trainings" in printed
    show(jobs(small_corpus, begun, "all"))
    assert "Racing" not in capsys.readouterr().out


def test_a_failed_cell_is_named_and_the_race_goes_on(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUICK_FAIL", "routing 1")
    with pytest.raises(
        CellError, match=r"1 of 3\d cells are not done:\n  synthetic routing seed 42 fold 1: it was told"
    ):
        run_all(jobs(small_corpus, tmp_path))
    (record,) = race_records(Ledger(tmp_path / "ledger")).values()
    assert record["standings"]["routing"]["outcome"] == "shown"
    assert all(standing["outcome"] != "racing" for standing in record["standings"].values())
    monkeypatch.delenv("QUICK_FAIL")
    sweep = run_all(jobs(small_corpus, tmp_path))
    assert {name: (why, number) for name, (number, why) in sweep.races[0].race.decided.items()} == LEAVE


def test_two_corpora_are_two_races(small_corpus: Path, tmp_path: Path) -> None:
    configs = [c for c in jobs(small_corpus, tmp_path) if c.ablation in ("none", "routing")]
    other = [replace(config, trainer=replace(config.trainer, epochs=4)) for config in configs]
    sweep = run_all([*configs, *other])
    assert [list(race.race.decided) for race in sweep.races] == [["routing"], ["routing"]]
    assert len(race_records(sweep.ledger)) == 2


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("hydra_plugins.plb_ablate_slurm.launcher.CellLauncher", "slurm"),
        ("hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher", "ray"),
    ],
)
def test_launchers_that_submit_everything_at_once_are_refused(target: str, name: str) -> None:
    launcher = OmegaConf.create({"_target_": target})
    with pytest.raises(ConfigError, match=f"hydra/launcher={name} submits all.*hydra/launcher=basic or joblib"):
        check_launcher(Config(schedule=Schedule("racing")), launcher)
    check_launcher(Config(), launcher)


def test_joblib_bounds_the_processes_of_a_race() -> None:
    launcher = OmegaConf.create({"_target_": "hydra_joblib_launcher.joblib_launcher.JoblibLauncher", "n_jobs": 1})
    check_launcher(Config(schedule=Schedule("racing")), launcher)
    assert at_once_with_joblib(launcher, [Config(n_jobs=3), Config(n_jobs=3)]) == 3
    assert at_once_with_joblib(launcher, [Config(), Config()]) is None


# ---------------------------------------------------------------------- whole commands, killed


def command(folder: Path, corpus: Path, *settings: str) -> subprocess.Popen[str]:
    """Start a race of four variants in a process of its own."""
    overrides = [
        f"ablation={','.join(EFFECTS)}",
        f"dataset.root={corpus}",
        f"protocol.n_splits={FOLDS}",
        *("trainer=smoke", "protocol=nested", "protocol.validation_fraction=0.3", "n_jobs=2"),
    ]
    root = str(Path(__file__).parents[2])
    with (folder / "output.txt").open("a") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.orchestration.quick_sweep", "-m", *overrides, *settings],
            cwd=folder,
            stdout=output,
            stderr=output,
            text=True,
            env=os.environ | {"PYTHONPATH": root, "QUICK_SECONDS": "0.2"},
        )


def parents(folder: Path) -> dict[str, dict[str, str]]:
    """Tags of races of the parent runs, by variant."""
    with sqlite3.connect(folder / "mlflow.db") as store:
        kept = "SELECT run_uuid FROM runs WHERE lifecycle_stage = 'active'"
        runs = store.execute(
            f"SELECT run_uuid FROM tags WHERE key = 'level' AND value = 'config' AND run_uuid IN ({kept})"
        ).fetchall()
        tags = [dict(store.execute("SELECT key, value FROM tags WHERE run_uuid = ?", run)) for run in runs]
    return {tag["ablation"]: {key: value for key, value in tag.items() if key.startswith("race/")} for tag in tags}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_race_that_is_killed_again_and_again_ends_as_one_left_alone(small_corpus: Path, tmp_path: Path) -> None:
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    for folder in (alone, killed):
        folder.mkdir()
    assert command(alone, small_corpus, "schedule=racing").wait(600) == 0, (alone / "output.txt").read_text()
    chance = random.Random(3)
    for _ in range(4):
        before = len(cells(killed))
        process = command(killed, small_corpus, "schedule=racing", "hydra/launcher=joblib")
        while process.poll() is None and len(cells(killed)) < before + chance.randint(1, 8):
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(1)  # for its workers to see that it has gone
    assert command(killed, small_corpus, "schedule=racing").wait(600) == 0, (killed / "output.txt").read_text()
    assert cells(killed) == cells(alone)
    (one,), (other,) = (race_records(Ledger(folder / "ledger")).values() for folder in (alone, killed))
    assert json.dumps(one) == json.dumps(other)
    assert parents(killed) == parents(alone)
    assert parents(alone)["routing"]["race/decision"] == "shown"
    assert parents(alone)["routing"]["race/at"] == "06/10"
    assert parents(alone)["none"]["race/at"] == "09/10"
    report = [sys.executable, "-m", "plb_ablate.report"]
    told = subprocess.run(report, cwd=alone, capture_output=True, text=True, timeout=600, check=True).stdout
    assert "|decided at 6/10|" in told
    assert "35 of 50 trainings" in told
    assert command(killed, small_corpus, "schedule=all").wait(600) == 0
    told = subprocess.run(report, cwd=killed, capture_output=True, text=True, timeout=600, check=True).stdout
    assert "decided at" not in told
    assert "p (Holm)" in (killed / "reports" / "synthetic.md").read_text()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_race_goes_on_with_the_next_seed_where_one_does_not_decide(small_corpus: Path, tmp_path: Path) -> None:
    process = command(tmp_path, small_corpus, "schedule=racing", "schedule.max_seeds=2")
    assert process.wait(600) == 0, (tmp_path / "output.txt").read_text()
    (record,) = race_records(Ledger(tmp_path / "ledger")).values()
    at = {name: standing["at"] for name, standing in record["standings"].items()}
    assert min(at.values()) < FOLDS < max(at.values()), "some leave under the first seed, some under the second"
    held = Counter(
        zip(*(load_runs(f"sqlite:///{tmp_path}/mlflow.db")[key] for key in ("ablation", "seed")), strict=True)
    )
    expected = {(name, 42): min(number, FOLDS) for name, number in at.items()}
    expected |= {(name, 43): number - FOLDS for name, number in at.items() if number > FOLDS}
    last = max(at.values())
    assert held == expected | {("none", 42): FOLDS, ("none", 43): last - FOLDS}
    report = [sys.executable, "-m", "plb_ablate.report"]
    told = subprocess.run(report, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=True).stdout
    assert f"|decided at {last}/20|" in told
