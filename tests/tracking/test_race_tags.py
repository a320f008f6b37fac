"""How a race stands is written on the runs of its variants, once they are there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plb_ablate import sync
from plb_ablate.config.schema import Config
from plb_ablate.core.errors import StoreError
from plb_ablate.ledger.race_records import race_records, write_race
from plb_ablate.ledger.store import Ledger
from plb_ablate.tracking import background_uploader
from plb_ablate.tracking.background_uploader import BackgroundUploader
from plb_ablate.tracking.mlflow_writer import Tracker
from plb_ablate.tracking.race_tags import tag_races
from tests.results_helper import a_config, finish, planned


@pytest.fixture
def raced(small_corpus: Path, empty_store: Path, tmp_path: Path) -> tuple[Config, Ledger]:
    """A ledger with one fold of the reference and of two variants, and the record of their race."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    for name in ("none", "cbam", "sa"):
        config = a_config(small_corpus, tmp_path, ablation=name)
        prepared, (cell, *_) = planned(config)
        ledger = Ledger(Path(config.ledger))
        finish(ledger, cell, prepared)
    standings = {"cbam": {"outcome": "shown", "at": 7}, "sa": {"outcome": "racing", "at": 8}}
    record = {"variants": ["cbam", "sa"], "rounds": [[42, fold] for fold in range(10)], "futility": 0.05, "looks": 8}
    of = {name: standing | {"of": 10} for name, standing in standings.items()}
    write_race(ledger, cell.config_hash, record | {"standings": of})
    return config, ledger


def race_tags(tracker: Tracker) -> dict[str, dict[str, str]]:
    runs = tracker.client.search_runs([tracker.experiment], "tags.level = 'config'")
    return {
        run.data.tags["ablation"]: {k: v for k, v in run.data.tags.items() if k in ("race/decision", "race/at")}
        for run in runs
    }


def race_rounds(tracker: Tracker) -> dict[str, float]:
    runs = tracker.client.search_runs([tracker.experiment], "tags.level = 'config'")
    return {run.data.tags["ablation"]: run.data.metrics["race/rounds"] for run in runs}


EXPECTED = {
    "none": {"race/decision": "reference", "race/at": "08/10"},
    "cbam": {"race/decision": "shown", "race/at": "07/10"},
    "sa": {"race/decision": "racing"},
}


def test_who_needs_the_names_of_the_tags_does_not_load_mlflow() -> None:
    """It takes seconds, and neither the help of the UI's command nor that of the report's needs it."""
    command = "import sys, plb_ablate.ui, plb_ablate.report.__main__; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False, timeout=120).returncode == 0


def test_a_sweep_writes_them_after_its_uploads(raced: tuple[Config, Ledger], monkeypatch: pytest.MonkeyPatch) -> None:
    config, ledger = raced
    uploader = BackgroundUploader(config.tracking, ledger)
    for entry in ledger.entries():
        uploader.submit(entry)
    uploader.tag_races()
    uploader.finish()
    assert not uploader.untagged
    tracker = Tracker(config.tracking, ledger)
    assert race_tags(tracker) == EXPECTED
    assert race_rounds(tracker) == {"none": 8, "cbam": 7, "sa": 8}
    for method in ("set_tag", "delete_tag", "log_batch"):
        monkeypatch.setattr(tracker.client, method, lambda *_, **__: pytest.fail("what is right is written again"))
    tag_races(tracker)


def test_a_decision_that_is_taken_back_is_in_no_tag(raced: tuple[Config, Ledger]) -> None:
    """A training that had failed, trained later, may speak against it."""
    config, ledger = raced
    tracker = Tracker(config.tracking, ledger)
    for entry in ledger.entries():
        tracker.upload(entry)
    tag_races(tracker)
    ((config_hash, record),) = race_records(ledger).items()
    record["standings"]["cbam"] |= {"outcome": "racing", "at": 8}
    write_race(ledger, config_hash, record)
    tag_races(tracker)
    assert race_tags(tracker)["cbam"] == {"race/decision": "racing"}
    assert race_rounds(tracker)["cbam"] == 8


def test_what_the_store_refused_is_told_and_sync_writes_it(
    raced: tuple[Config, Ledger], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config, ledger = raced

    def refuse(tracker: Tracker) -> None:
        raise StoreError("full")

    with monkeypatch.context() as patch:
        patch.setattr(background_uploader, "tag_races", refuse)
        uploader = BackgroundUploader(config.tracking, ledger)
        for entry in ledger.entries():
            uploader.submit(entry)
        uploader.tag_races()
        uploader.finish()
    assert uploader.untagged
    assert not uploader.pending
    assert str(uploader.error) == "full"
    assert sync.main(["--ledger", str(ledger.root), "--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db"]) == 0
    assert race_tags(Tracker(config.tracking, ledger)) == EXPECTED
