"""What is uploaded to a real store, read back by another process."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from plb_ablate.config.schema import Config, Tracking
from plb_ablate.core.errors import StoreError
from plb_ablate.ledger.store import Ledger
from plb_ablate.tracking.mlflow_writer import Tracker
from tests.conftest import CommandLine
from tests.results_helper import finish, planned

READ = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("plb_ablate").experiment_id
def artifacts(run):
    return sorted(file.path for file in client.list_artifacts(run.info.run_id))
print(json.dumps([
    {"status": run.info.status, "name": run.info.run_name, "id": run.info.run_id, "tags": run.data.tags,
     "datasets": [[i.dataset.name, i.dataset.digest, json.loads(i.dataset.profile), {t.key: t.value for t in i.tags}]
                  for i in run.inputs.dataset_inputs],
     "metrics": run.data.metrics, "params": run.data.params, "artifacts": artifacts(run),
     "curve": [m.value for m in client.get_metric_history(run.info.run_id, "test/wa")]}
    for run in client.search_runs([experiment])
]))
"""


def stored(config: Config) -> list[dict[str, Any]]:
    """All runs of the store, as a second process reads them."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, str(config.tracking.uri)],
        capture_output=True,
        text=True,
        check=True,
    )
    runs: list[dict[str, Any]] = json.loads(done.stdout)
    return runs


@pytest.fixture
def ledger(config: Config) -> Ledger:
    return Ledger(Path(config.ledger))


def test_cells_become_a_parent_and_its_folds(config: Config, ledger: Ledger) -> None:
    prepared, cells = planned(config)
    tracker = Tracker(config.tracking, ledger)
    entries = [finish(ledger, cell, prepared, seed=cell.fold) for cell in cells]
    for entry in entries:
        tracker.upload(entry)
    runs = stored(config)
    (parent,) = [run for run in runs if run["tags"]["level"] == "config"]
    children = [run for run in runs if run["tags"]["level"] == "fold"]
    assert [run["status"] for run in runs] == ["FINISHED"] * 4
    assert sorted(child["tags"]["fold"] for child in children) == ["0", "1", "2"]
    assert {child["tags"]["mlflow.parentRunId"] for child in children} == {parent["id"]}
    assert parent["metrics"]["params/total"] == 1416 + 1416 + 260
    assert parent["metrics"]["params/module/forward"] == 1416
    assert parent["metrics"]["folds_done"] == 3
    scores = [entry.read("result/scores.json")["rules"]["best_validation"]["wa"] for entry in entries]
    assert parent["metrics"]["best_validation/wa/mean"] == pytest.approx(sum(scores) / 3)
    assert parent["metrics"]["best_validation/wa/max"] == max(scores)
    assert parent["metrics"]["best_validation/wa/min"] == min(scores)
    child = next(child for child in children if child["tags"]["fold"] == "1")
    assert child["tags"]["cell"] == cells[1].id
    assert child["metrics"]["best_validation/wa"] == scores[1]
    assert child["metrics"]["seconds"] == 12.5
    assert len(child["curve"]) == 3
    assert child["params"]["trainer.epochs"] == "3"
    assert set(child["artifacts"]) == {
        "config.yaml",
        "confusion_matrix.csv",
        "confusion_matrix.png",
        "curves.png",
        "history.csv",
        "predictions.csv",
        "weights.weights.h5",
    }
    assert "nothing removed, on synthetic: 3 folds" in parent["tags"]["mlflow.note.content"]
    assert child["tags"]["mlflow.note.content"].startswith("Fold 1 (from 0) of 3.")
    for tag in (
        "git_commit",
        "hardware",
        "python",
        "tensorflow",
        "keras",
        "librosa",
        "numpy",
        "config_hash",
        "dataset",
    ):
        assert child["tags"][tag]


def test_every_run_has_its_corpus_as_its_dataset(config: Config, ledger: Ledger) -> None:
    prepared, cells = planned(config)
    tracker = Tracker(config.tracking, ledger)
    for cell in cells[:2]:
        tracker.upload(finish(ledger, cell, prepared))
    runs = stored(config)
    assert len(runs) == 3
    numbers = {"num_rows": 24, "num_classes": 4}
    expected = ["synthetic", prepared.content[:16], numbers, {"mlflow.data.context": "cross-validation"}]
    assert [run["datasets"] for run in runs] == [[expected]] * 3


@pytest.mark.parametrize(
    ("differences", "tag"),
    [(None, None), ([], "as published"), (["24 of 144", "other rates"], "24 of 144; other rates")],
)
def test_runs_say_how_their_corpus_differs(
    differences: list[str] | None, tag: str | None, config: Config, ledger: Ledger
) -> None:
    prepared, cells = planned(config)
    if differences is not None:
        ledger.write_audit(cells[0], {}, differences)
    tracker = Tracker(config.tracking, ledger)
    tracker.upload(finish(ledger, cells[0], prepared))
    runs = tracker.client.search_runs([tracker.experiment])
    assert [run.data.tags.get("corpus") for run in runs] == [tag, tag]


def test_a_cell_is_uploaded_once(config: Config, ledger: Ledger) -> None:
    prepared, cells = planned(config)
    entry = finish(ledger, cells[0], prepared)
    first = Tracker(config.tracking, ledger)
    assert first.pending() == [entry]
    run = first.upload(entry)
    assert Tracker(config.tracking, ledger).upload(entry) == run
    assert first.pending() == []
    assert len(stored(config)) == 2


def test_what_a_killed_upload_left_is_replaced(config: Config, ledger: Ledger) -> None:
    prepared, cells = planned(config)
    entry = finish(ledger, cells[0], prepared)
    tracker = Tracker(config.tracking, ledger)
    tracker.client.create_run(tracker.experiment, tags={"cell": entry.cell, "level": "fold"})
    tracker.upload(entry)
    runs = stored(config)
    assert [run["status"] for run in runs] == ["FINISHED"] * 2


def test_an_experiment_that_another_process_has_just_made_is_used(
    config: Config, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = Tracker(config.tracking, ledger).experiment
    look, late = MlflowClient.get_experiment_by_name, iter([None, None])
    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", lambda client, name: next(late, look(client, name)))
    assert Tracker(config.tracking, ledger).experiment == experiment


def test_another_store_gets_its_own_copy(config: Config, ledger: Ledger, tmp_path: Path, empty_store: Path) -> None:
    shutil.copy(empty_store, tmp_path / "second.db")
    prepared, cells = planned(config)
    entry = finish(ledger, cells[0], prepared)
    Tracker(config.tracking, ledger).upload(entry)
    elsewhere = Tracker(Tracking(f"sqlite:///{tmp_path}/second.db"), ledger)
    assert elsewhere.pending() == [entry]


@pytest.mark.parametrize("uri", ["sqlite:////nowhere/mlflow.db", "nonsense://host/db"])
def test_a_store_that_cannot_be_opened_is_an_error_that_names_the_way_out(ledger: Ledger, uri: str) -> None:
    with pytest.raises(StoreError, match="cannot be used") as caught:
        Tracker(Tracking(uri), ledger)
    assert "plb_ablate.sync" in str(caught.value)


def test_a_result_outlives_a_store_that_breaks_and_is_uploaded_later(
    config: Config, ledger: Ledger, tmp_path: Path, empty_store: Path, commands: CommandLine
) -> None:
    prepared, cells = planned(config)
    entry = finish(ledger, cells[0], prepared)
    tracker = Tracker(config.tracking, ledger)
    (tmp_path / "mlflow.db").write_bytes(b"this is no database any more" * 1000)
    for leftover in tmp_path.glob("mlflow.db-*"):
        leftover.unlink()
    with pytest.raises(StoreError):
        tracker.upload(entry)
    assert not entry.is_uploaded(tracker.key)
    assert entry.state == "done"
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    for said in ("1 results uploaded", "0 results uploaded"):
        done = commands.run(module="plb_ablate.sync")
        assert (done.returncode, said in done.stdout) == (0, True), done.stderr
    assert [run["status"] for run in stored(config)] == ["FINISHED"] * 2
