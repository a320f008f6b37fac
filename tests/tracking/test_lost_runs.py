"""Runs, experiments or whole stores that are lost: found before training, and uploaded again, once each."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from plb_ablate.config.schema import Config
from plb_ablate.core.errors import StoreError
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.orchestration.sweep import Sweep
from plb_ablate.sync import main as sync
from plb_ablate.tracking.mlflow_writer import Tracker
from tests.results_helper import finish, planned


@pytest.fixture
def client(config: Config) -> MlflowClient:
    return MlflowClient(str(config.tracking.uri))


def trained(config: Config) -> list[LedgerEntry]:
    """Finished cells of a ledger, none of them uploaded."""
    prepared, cells = planned(config)
    return [finish(Ledger(Path(config.ledger)), cell, prepared, seed=cell.fold) for cell in cells]


@pytest.fixture
def entries(config: Config) -> list[LedgerEntry]:
    """Three finished cells in the ledger and in the store."""
    made, tracker = trained(config), Tracker(config.tracking, Ledger(Path(config.ledger)))
    for entry in made:
        tracker.upload(entry)
    return made


def runs(client: MlflowClient, level: str) -> list[Run]:
    experiment = client.get_experiment_by_name("plb_ablate")
    return list(client.search_runs([experiment.experiment_id], f"tags.level = '{level}'"))


def is_complete(client: MlflowClient, entries: list[LedgerEntry]) -> bool:
    """Whether the store has one parent, and below it one finished run for each cell."""
    (parent,), children = runs(client, "config"), runs(client, "fold")
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert {run.info.status for run in [parent, *children]} == {"FINISHED"}
    assert parent.data.metrics["folds_done"] == len(entries)
    return sorted(run.data.tags["cell"] for run in children) == sorted(entry.cell for entry in entries)


def test_a_deleted_run_is_uploaded_again_and_no_other(
    config: Config, entries: list[LedgerEntry], client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, lost = {run.info.run_id for run in runs(client, "fold")}, runs(client, "fold")[1]
    client.delete_run(lost.info.run_id)
    assert sync(["--tracking-uri", str(config.tracking.uri), "--ledger", config.ledger]) == 0
    assert "1 results uploaded" in capsys.readouterr().out
    assert is_complete(client, entries)
    assert len(kept & {run.info.run_id for run in runs(client, "fold")}) == 2
    assert sync(["--tracking-uri", str(config.tracking.uri), "--ledger", config.ledger]) == 0
    assert "0 results uploaded" in capsys.readouterr().out


def test_folds_of_a_deleted_variant_are_put_below_a_new_one(
    config: Config, entries: list[LedgerEntry], client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {run.info.run_id for run in runs(client, "fold")}
    client.delete_run(runs(client, "config")[0].info.run_id)
    assert sync(["--tracking-uri", str(config.tracking.uri), "--ledger", config.ledger]) == 0
    assert "0 results uploaded to plb_ablate. 3 others were there already." in capsys.readouterr().out
    assert is_complete(client, entries)
    assert {run.info.run_id for run in runs(client, "fold")} == before


def test_a_sweep_uploads_again_what_an_emptied_store_has_lost(
    config: Config, entries: list[LedgerEntry], client: MlflowClient
) -> None:
    for run in [*runs(client, "config"), *runs(client, "fold")]:
        client.delete_run(run.info.run_id)
    Sweep([config]).finish()
    assert is_complete(client, entries)


def test_a_database_that_was_made_anew_is_filled_again(
    config: Config, entries: list[LedgerEntry], tmp_path: Path, empty_store: Path
) -> None:
    for file in tmp_path.glob("mlflow.db*"):
        file.unlink()
    shutil.copy(empty_store, tmp_path / "mlflow.db")  # making it takes seconds
    done = subprocess.run(
        [sys.executable, "-m", "plb_ablate.sync"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "3 results uploaded" in done.stdout) == (0, True), done.stderr
    assert is_complete(MlflowClient(str(config.tracking.uri)), entries)


def test_a_result_is_not_uploaded_twice_to_a_store_that_was_moved(
    config: Config, entries: list[LedgerEntry], client: MlflowClient
) -> None:
    for entry in entries:
        shutil.rmtree(entry.folder / "delivered")  # a moved store has another address, so nothing is noted for it
    tracker = Tracker(config.tracking, Ledger(Path(config.ledger)))
    for entry in tracker.pending():
        tracker.upload(entry)
    assert tracker.known == 3
    assert is_complete(client, entries)


def test_a_newer_training_of_a_cell_replaces_the_older_run(
    config: Config, entries: list[LedgerEntry], client: MlflowClient
) -> None:
    again = entries[0]
    (old,) = (run for run in runs(client, "fold") if run.data.tags["cell"] == again.cell)
    shutil.rmtree(again.folder / "delivered")
    run_info = again.read("result/run.json")
    again.write("result/run.json", run_info | {"seconds": run_info["seconds"] + 1})
    tracker = Tracker(config.tracking, Ledger(Path(config.ledger)))
    assert tracker.pending() == [again]
    assert tracker.upload(again) != old.info.run_id
    assert is_complete(client, entries)


def test_a_training_from_elsewhere_that_replaced_the_run_counts_as_the_result(
    config: Config, entries: list[LedgerEntry], client: MlflowClient, tmp_path: Path
) -> None:
    """Two ledgers with the same cell must not replace each other's runs for ever."""
    shutil.copytree(config.ledger, tmp_path / "second")
    other = Ledger(tmp_path / "second")
    for entry in other.entries():
        shutil.rmtree(entry.folder / "delivered")
        entry.write("result/run.json", entry.read("result/run.json") | {"seconds": 99.0})
    second = Tracker(config.tracking, other)
    for entry in second.pending():
        second.upload(entry)
    assert is_complete(client, entries)
    assert Tracker(config.tracking, Ledger(Path(config.ledger))).pending() == []


def test_runs_are_looked_for_once_and_not_for_each_cell(
    config: Config, entries: list[LedgerEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*what: object) -> None:
        raise AssertionError("a request for a single run")

    for name in ("get_run", "search_runs"):
        monkeypatch.setattr(MlflowClient, name, forbidden)
    tracker = Tracker(config.tracking, Ledger(Path(config.ledger)))
    assert tracker.pending() == []
    assert tracker.upload(entries[0]) == entries[0].run_id(tracker.key)


def test_a_deleted_experiment_is_found_before_training_and_the_command_restores_it(
    config: Config, entries: list[LedgerEntry], client: MlflowClient
) -> None:
    client.delete_experiment(client.get_experiment_by_name("plb_ablate").experiment_id)
    root, config.dataset.root = config.dataset.root, "no corpus"
    with pytest.raises(StoreError, match="was deleted") as caught:
        Sweep([config])
    with pytest.raises(StoreError, match="was deleted"):
        Tracker(config.tracking, Ledger(Path(config.ledger)))
    command = str(caught.value).splitlines()[1]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(command, shell=True, check=True, capture_output=True, env=environment)
    config.dataset.root = root
    Sweep([config]).finish()
    assert is_complete(client, entries)
