"""Tracking goes away and comes back; the results wait in the ledger, and arrive once each."""

import shutil
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from plb_ablate.config.schema import Config, Tracking
from plb_ablate.core.errors import CellError, StoreError
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.orchestration.sweep import Sweep
from plb_ablate.tracking import background_uploader as courier_module
from plb_ablate.tracking import mlflow_writer as track
from plb_ablate.tracking.background_uploader import Courier
from plb_ablate.tracking.mlflow_writer import Tracker, check_store
from tests.results_helper import a_config, finish, planned


@pytest.fixture
def config(small_corpus: Path, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return a_config(small_corpus, tmp_path)


def statuses(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "mlflow.db") as store:
        return [row[0] for row in store.execute("SELECT status FROM runs WHERE lifecycle_stage = 'active'")]


def test_what_a_broken_store_refused_is_delivered_at_the_end_once_each(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, cells = planned(config)
    ledger = Ledger(Path(config.ledger))
    courier = Courier(config.tracking, ledger)
    monkeypatch.setattr(courier_module, "_PAUSE", 1000.0)
    tries, original = [], Tracker.deliver

    def counted(self: Tracker, entry: LedgerEntry) -> str:
        tries.append(entry.cell)
        return original(self, entry)

    monkeypatch.setattr(Tracker, "deliver", counted)
    (tmp_path / "mlruns").write_text("where artifacts should go is no folder")
    for cell in cells:
        courier.take(finish(ledger, cell, prepared, seed=cell.fold))
    courier._thread.submit(lambda: None).result()
    assert tries == [cells[0].id], "a store that fails is left alone for a while"
    assert set(courier.waiting) == {cell.id for cell in cells}
    assert isinstance(courier.error, StoreError)
    (tmp_path / "mlruns").unlink()
    courier.finish()
    assert not courier.waiting
    assert statuses(tmp_path) == ["FINISHED"] * 4


def test_stopping_finishes_the_delivery_under_way_and_begins_no_other(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, cells = planned(config)
    ledger = Ledger(Path(config.ledger))
    courier = Courier(config.tracking, ledger)
    under_way, original = threading.Event(), Tracker._child

    def slowly(self: Tracker, *what: object) -> str:
        under_way.set()
        time.sleep(0.5)
        return original(self, *what)  # type: ignore[arg-type]

    monkeypatch.setattr(Tracker, "_child", slowly)
    entries = [finish(ledger, cell, prepared) for cell in cells]
    for entry in entries:
        courier.take(entry)
    assert under_way.wait(10)
    courier.stop()
    assert statuses(tmp_path) == ["FINISHED"] * 2
    assert [entry.is_delivered(courier._tracker.key) for entry in entries] == [True, False, False]


def test_a_lock_that_passes_is_waited_for_and_one_that_stays_is_an_error(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, cells = planned(config)
    ledger = Ledger(Path(config.ledger))
    tracker = Tracker(config.tracking, ledger)
    tries: list[float] = []

    def locked(self: Tracker, entry: object) -> str:
        tries.append(time.monotonic())
        if len(tries) == stays:
            return "run"
        raise StoreError("(sqlite3.OperationalError) database is locked")

    monkeypatch.setattr(Tracker, "_deliver", locked)
    monkeypatch.setattr(track, "_PAUSES", (0.01, 0.01))
    entry = finish(ledger, cells[0], prepared)
    stays = 3
    assert tracker.deliver(entry) == "run"
    tries, stays = [], 4
    with pytest.raises(StoreError, match="locked"):
        tracker.deliver(entry)
    assert len(tries) == 3


def test_a_parent_that_a_killed_process_left_half_written_is_replaced(config: Config, tmp_path: Path) -> None:
    prepared, cells = planned(config)
    ledger = Ledger(Path(config.ledger))
    tracker = Tracker(config.tracking, ledger)
    tags = track._variant_tags(cells[0].description) | {"level": "config"}
    tracker.client.create_run(tracker.experiment, tags=tags)
    tracker.deliver(finish(ledger, cells[0], prepared))
    assert statuses(tmp_path) == ["FINISHED"] * 2
    (parent,) = tracker._runs({"level": "config"})
    assert parent.data.metrics["folds_done"] == 1
    assert parent.data.params["trainer.epochs"] == "3"


def test_a_store_out_of_reach_is_known_before_any_work_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        check_store(f"sqlite:///{tmp_path}/nowhere/mlflow.db")
    assert not list(tmp_path.iterdir())
    check_store(f"sqlite:///{tmp_path}/mlflow.db")
    assert not list(tmp_path.iterdir())
    (tmp_path / "mlflow.db").write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match="not a database"):
        check_store(f"sqlite:///{tmp_path}/mlflow.db")


def test_without_an_address_there_is_no_tracker(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="names no store"):
        Tracker(Tracking(uri=None), Ledger(tmp_path))


def test_a_sweep_says_what_is_not_in_mlflow_and_the_next_one_delivers_it(config: Config, tmp_path: Path) -> None:
    prepared, cells = planned(config)
    for cell in cells:
        finish(Ledger(Path(config.ledger)), cell, prepared)
    (tmp_path / "mlruns").write_text("where artifacts should go is no folder")
    with pytest.raises(
        StoreError, match=r"^3 finished cells are not in MLflow yet\. `python -m plb_ablate.sync`"
    ) as caught:
        Sweep([config]).finish()
    assert caught.value.exit_code == 3
    (tmp_path / "mlruns").unlink()
    Sweep([config]).finish()
    assert statuses(tmp_path) == ["FINISHED"] * 4
    Sweep([config]).finish()
    assert statuses(tmp_path) == ["FINISHED"] * 4


def test_a_sweep_without_tracking_opens_no_store(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared, cells = planned(config)
    (tmp_path / "mlflow.db").unlink()
    config.tracking.uri = None
    with pytest.raises(CellError, match="3 of 3 cells are not done"):
        Sweep([config]).finish()
    for cell in cells:
        finish(Ledger(Path(config.ledger)), cell, prepared)
    Sweep([config]).finish()
    assert "results are in the ledger only" in capsys.readouterr().err
    assert not (tmp_path / "mlflow.db").exists()


def test_a_sweep_looks_for_its_store_before_it_reads_the_corpus(config: Config, tmp_path: Path) -> None:
    config.tracking.uri, config.dataset.root = f"sqlite:///{tmp_path}/nowhere/mlflow.db", str(tmp_path / "no corpus")
    with pytest.raises(StoreError, match="cannot be used"):
        Sweep([config])
