"""States of cells, estimates of time, dry runs: read from a ledger, with nothing made."""

import json
from pathlib import Path

import pytest

from plb_ablate.config.schema import Config
from plb_ablate.features.dataset import PreparedCorpus
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.store import Ledger
from plb_ablate.ledger.time_estimate import Speed, duration
from plb_ablate.orchestration.dry_run import show
from plb_ablate.status import main, rows
from tests.conftest import CommandLine
from tests.results_helper import a_config, finish, planned

Study = tuple[Config, PreparedCorpus, list[Cell], Ledger]


@pytest.fixture
def study(small_corpus: Path, tmp_path: Path) -> Study:
    """Three cells: one done, one that a killed process left after its first epoch of three, one not begun."""
    config = a_config(small_corpus, tmp_path, study="mine")
    prepared, cells = planned(config)
    ledger = Ledger(Path(config.ledger))
    finish(ledger, cells[0], prepared)
    with ledger.entry(cells[1]).claimed(cells[1].description):
        ledger.entry(cells[1]).write("progress.json", {"epoch": 1, "epochs": 3, "seconds": 4.0, "wa": 0.25})
    return config, prepared, cells, ledger


def settings(config: Config) -> list[str]:
    return [
        *("dataset=synthetic", f"dataset.root={config.dataset.root}", f"ledger={config.ledger}"),
        *(f"cache={config.cache}", "protocol=nested", "protocol.n_splits=3", "protocol.validation_fraction=0.3"),
        *("trainer=smoke", "trainer.epochs=3", "trainer.bn_momentum=0.99", "study=mine"),
    ]


def test_every_state_is_told_with_epochs_times_and_errors(study: Study) -> None:
    _, _, cells, ledger = study
    told = rows(ledger, cells)
    assert [row["state"] for row in told] == ["done", "stale", "missing"]
    assert [(row["epoch"], row["epochs"], row["seconds"]) for row in told] == [
        (3, 3, 12.5),
        (1, 3, 4.0),
        (None, 3, None),
    ]
    ledger.entry(cells[2]).fail("OSError: no room\nmore", cells[2].description)
    with ledger.entry(cells[1]).claimed(cells[1].description):
        told = rows(ledger, cells)
    assert [row["state"] for row in told] == ["done", "running", "failed"]
    assert told[2]["error"].startswith("OSError: no room")
    assert len(rows(ledger)) == 3
    assert len(rows(ledger, study="mine")) == 3
    assert not rows(ledger, study="other")


def test_the_command_composes_a_sweep_and_knows_what_is_missing(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    config, *_ = study
    assert main([*settings(config), "seed=42,43", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["state"] for row in told] == ["done", "stale", *["missing"] * 4]
    assert main(["--ledger", config.ledger]) == 0
    out = capsys.readouterr().out
    assert "2 cells: 1 done, 0 running, 1 stale, 0 failed, 0 missing." in out
    assert "\t1/3\t25.0\t4 s\tlast epoch" in out
    assert main(["--ledger", config.ledger + "x"]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert not Path(config.ledger + "x").exists()


def test_a_study_of_experiments_is_known_by_name(
    small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = [f"dataset.root={small_corpus}", f"cache={tmp_path}/cache", "--ledger", f"{tmp_path}/ledger"]
    assert main(["demo", *places, "protocol.n_splits=2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told) == 6 * 2
    assert {row["state"] for row in told} == {"missing"}
    assert not (tmp_path / "ledger").exists()


def test_time_is_judged_by_the_same_ablation_else_by_others_else_not(study: Study, tmp_path: Path) -> None:
    config, _, cells, ledger = study
    rate = 2.0 / cells[0].n_train  # of 8.5, 2 and 2 s: the first epoch traces the model too
    speed = Speed(ledger)
    assert speed.seconds(cells[2], ledger.entry(cells[2])) == pytest.approx(rate * cells[2].n_train * 3)
    assert speed.seconds(cells[1], ledger.entry(cells[1])) == pytest.approx(rate * cells[1].n_train * 2)
    config.ablation = "sa"
    other = planned(config)[1][0]
    assert speed.seconds(other, ledger.entry(other)) == pytest.approx(rate * other.n_train * 3)
    config.threads = 2
    other = planned(config)[1][0]
    assert duration(speed.seconds(other, ledger.entry(other))) == "unknown"
    both = speed.total(cells[1:], ledger, 2)
    assert both == pytest.approx(speed.seconds(cells[2], ledger.entry(cells[2]))), "no shorter than its longest cell"


def test_a_dry_run_tells_what_each_cell_would_become(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    config, _, cells, _ = study
    before = sorted(Path(config.ledger).rglob("*"))
    show([config])
    out = capsys.readouterr().out
    assert f"{cells[0].id}  synthetic none seed 42 fold 0  skip\n" in out
    assert "fold 1  resume after epoch 1 of 3, " in out
    assert "fold 2  train, 6 s" in out
    assert "3 cells: 1 to skip, 1 to resume, 1 to train.\n" in out
    assert "\nAbout " in out
    assert sorted(Path(config.ledger).rglob("*")) == before


def test_a_dry_run_is_typed_as_the_sweep_is_and_makes_nothing(commands: CommandLine, small_corpus: Path) -> None:
    done = commands.run(
        "-m", "ablation=none,cbam+sa", f"dataset.root={small_corpus}", "protocol.n_splits=2", "--dry-run"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 cells: 4 to train." in done.stdout
    assert "The time is unknown" in done.stdout
    assert "\nwarning: synthetic: 24 of 144 utterances, speakers 03 to 06 missing, speakers with " in done.stdout
    assert [path.name for path in commands.folder.iterdir()] == [".cache"]
    done = commands.run(f"dataset.root={small_corpus}", "dataset.complete=true", "--dry-run")
    assert done.returncode == 2
    assert "dataset.complete=true, but synthetic in " in done.stderr
    done = commands.run("ablation=cbmm", "--dry-run")
    assert done.returncode == 2
    assert "ablation=cbmm is unknown" in done.stderr
