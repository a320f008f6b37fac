"""The audit as a command, and stored with the runs."""

import json
import shutil
from pathlib import Path

import pytest

from plb_ablate.audit import main
from plb_ablate.core.errors import LeakageError
from plb_ablate.ledger.store import Ledger
from plb_ablate.tracking.mlflow_writer import Tracker
from tests.results_helper import a_config, finish, planned


def audited(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_published_folds_mix_speakers_and_speaker_folds_do_not(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("dataset=ravdess", f"dataset.root={shared / 'data' / 'ravdess'}", f"cache={tmp_path}")
    code, said, warned = audited(capsys, *place)
    assert code == 1
    assert warned == "warning: ravdess: 360 of 1,440 utterances, speakers 07 to 24 missing.\n"
    assert "6 speakers in more than one split of all 10 folds" in said
    code, said, _ = audited(capsys, *place, "protocol=speaker", "--json")
    assert code == 0
    found = json.loads(said)
    assert found["n_folds"] == 3
    assert {side["side"] for side in found["balance"]} == {"train", "validation", "test"}


def test_a_wrong_setting_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = audited(capsys, "dataset=emodbb")
    assert code == 2
    assert "emodbb" in said


def test_a_sweep_stores_its_audit_with_the_parent_run(small_corpus: Path, empty_store: Path, tmp_path: Path) -> None:
    from plb_ablate.orchestration.sweep import Sweep

    shutil.copy(empty_store, tmp_path / "mlflow.db")
    config = a_config(small_corpus, tmp_path)
    sweep = Sweep([config])
    prepared, cells = planned(config)
    finish(sweep.ledger, cells[0], prepared)
    tracker = Tracker(config.tracking, Ledger(Path(config.ledger)))
    tracker.upload(sweep.ledger.entry(cells[0]))
    (parent,) = tracker.client.search_runs([tracker.experiment], "tags.level = 'config'")
    stored = json.loads(Path(tracker.client.download_artifacts(parent.info.run_id, "leakage.json")).read_text())
    assert stored["corpus"] == "synthetic"
    assert stored["speakers"]


def test_speaker_folds_refuse_a_recording_that_two_speakers_share(small_corpus: Path, tmp_path: Path) -> None:
    from plb_ablate.data.synthetic import corpus as synthetic
    from plb_ablate.orchestration.sweep import Sweep

    root = tmp_path / "copied"
    synthetic.generate(root, sentences=2)
    (first, *_), (second, *_) = (sorted((root / name).glob("*.wav")) for name in ("Speaker_01", "Speaker_03"))
    shutil.copy(first, second)
    config = a_config(root, tmp_path)
    config.protocol.name = "speaker"
    with pytest.raises(LeakageError, match="identical files"):
        Sweep([config])
