"""The store fails and works again: the results stay in the ledger, and are uploaded once each."""

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
from plb_ablate.tracking import background_uploader, mlflow_writer
from plb_ablate.tracking.background_uploader import BackgroundUploader
from plb_ablate.tracking.cell_fields import variant_tags
from plb_ablate.tracking.mlflow_writer import Tracker
from plb_ablate.tracking.store import check_store
from tests.results_helper import a_config, finish, planned


@pytest.fixture
def config(small_corpus: Path, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return a_config(small_corpus, tmp_path)


def statuses(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "mlflow.db") as store:
        return [row[0] for row in store.execute("SELECT status FROM runs WHERE lifecycle_stage = 'active'")]


def test_what_a_broken_store_refused_is_uploaded_at_the_end_once_each(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, cells = planned(config)
    ledger = Ledger(Path(config.ledger))
    uploader = BackgroundUploader(config.tracking, ledger)
    monkeypatch.setattr(background_uploader, "_RETRY_DELAY", 1000.0)
    tries, original = [], Tracker.upload

    def counted(self: Tracker, entry: LedgerEntry) -> str:
        tries.append(entry.cell)
        return original(self, entry)

    monkeypatch.setattr(Tracker, "upload", counted)
    (tmp_path / "mlruns").write_text("where artifacts should go is no folder")
    for cell in cells:
        uploader.submit(finish(ledger, cell, prepared, seed=cell.fold))
    uploader._thread.submit(lambda: None).result()
    assert tries == [cells[0].id], "a store that fails is left alone for a while"
    assert set(uploader.pending) == {cell.id for cell in cells}
    assert isinstance(uploader.error, StoreError)
    (tmp_path / "mlruns").unlink()
    uploader.finish()
    assert not uploader.pending
    assert statuses(tmp_path) == ["FINISHED"] * 4


def test_stopping_completes_the_upload_in_progress_and_starts_no_other(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, cells = planned(config)
    ledger = Ledger(Path(config.ledger))
    uploader = BackgroundUploader(config.tracking, ledger)
    under_way, original = threading.Event(), Tracker._child

    def slowly(self: Tracker, *what: object) -> str:
        under_way.set()
        time.sleep(0.5)
        return original(self, *what)  # type: ignore[arg-type]

    monkeypatch.setattr(Tracker, "_child", slowly)
    entries = [finish(ledger, cell, prepared) for cell in cells]
    for entry in entries:
        uploader.submit(entry)
    assert under_way.wait(10)
    uploader.stop()
    assert statuses(tmp_path) == ["FINISHED"] * 2
    assert [entry.is_uploaded(uploader._tracker.key) for entry in entries] == [True, False, False]


def test_an_upload_is_retried_while_the_database_is_locked_and_then_fails(
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

    monkeypatch.setattr(Tracker, "_upload", locked)
    monkeypatch.setattr(mlflow_writer, "_PAUSES", (0.01, 0.01))
    entry = finish(ledger, cells[0], prepared)
    stays = 3
    assert tracker.upload(entry) == "run"
    tries, stays = [], 4
    with pytest.raises(StoreError, match="locked"):
        tracker.upload(entry)
    assert len(tries) == 3


def test_a_parent_that_a_killed_process_left_half_written_is_replaced(config: Config, tmp_path: Path) -> None:
    prepared, cells = planned(config)
    ledger = Ledger(Path(config.ledger))
    tracker = Tracker(config.tracking, ledger)
    tags = variant_tags(cells[0].description) | {"level": "config"}
    tracker.client.create_run(tracker.experiment, tags=tags)
    tracker.upload(finish(ledger, cells[0], prepared))
    assert statuses(tmp_path) == ["FINISHED"] * 2
    (parent,) = tracker._runs({"level": "config"})
    assert parent.data.metrics["folds_done"] == 1
    assert parent.data.params["trainer.epochs"] == "3"


def test_a_store_out_of_reach_is_known_before_any_work_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        check_store(Tracking(f"sqlite:///{tmp_path}/nowhere/mlflow.db"))
    assert not list(tmp_path.iterdir())
    check_store(Tracking(f"sqlite:///{tmp_path}/mlflow.db"))
    assert not list(tmp_path.iterdir())
    (tmp_path / "mlflow.db").write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError, match="not a database"):
        check_store(Tracking(f"sqlite:///{tmp_path}/mlflow.db"))


def test_without_an_address_there_is_no_tracker(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="names no store"):
        Tracker(Tracking(uri=None), Ledger(tmp_path))


def test_a_sweep_says_what_is_not_in_mlflow_and_the_next_one_uploads_it(config: Config, tmp_path: Path) -> None:
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
