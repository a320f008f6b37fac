"""Results appear whole or not at all; a claim ends with its process."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from plb_ablate.core.atomic_files import replacing
from plb_ablate.core.errors import StoreError
from plb_ablate.ledger.store import Ledger, LedgerEntry
from tests.results_helper import a_config, finish, planned


@pytest.fixture
def entry(tmp_path: Path) -> LedgerEntry:
    return Ledger(tmp_path / "ledger").entry("0123abcd")


def hold(folder: Path, held: "multiprocessing.synchronize.Event") -> None:  # type: ignore[name-defined]
    with LedgerEntry(folder).claimed({}) as mine:
        assert mine
        LedgerEntry(folder).write("progress.json", {"epoch": 1})
        held.set()
        time.sleep(60)


def test_a_cell_goes_from_missing_to_done(entry: LedgerEntry) -> None:
    assert entry.state == "missing"
    with entry.claimed({"ablation": "sa"}) as mine:
        assert mine
        assert entry.state == "running"
        entry.write("progress.json", {"epoch": 1})
        with entry.writing_result() as folder:
            (folder / "scores.json").write_text("{}")
    assert entry.state == "done"
    assert entry.read("cell.json") == {"ablation": "sa"}
    assert entry.read("result/scores.json") == {}
    assert entry.read("progress.json") is None


def test_a_result_that_breaks_off_is_no_result(entry: LedgerEntry) -> None:
    def write_half() -> None:
        with entry.claimed({}), entry.writing_result() as folder:
            (folder / "scores.json").write_text("{")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert not entry.result.exists()
    assert sorted(path.name for path in entry.folder.iterdir()) == ["cell.json", "lock"]


def test_a_claim_keeps_others_out_and_ends_with_its_process(entry: LedgerEntry) -> None:
    entry.folder.mkdir(parents=True)
    spawn = multiprocessing.get_context("spawn")
    held = spawn.Event()
    process = spawn.Process(target=hold, args=(entry.folder, held))
    process.start()
    assert held.wait(60)
    assert entry.state == "running"
    with entry.claimed({}) as mine:
        assert not mine
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert entry.state == "stale"
    with entry.claimed({}) as mine:
        assert mine


def test_a_failure_is_kept_until_the_next_try(entry: LedgerEntry) -> None:
    entry.fail("ValueError: no")
    assert (entry.state, entry.error.strip()) == ("failed", "ValueError: no")
    entry.clear_error()
    assert entry.state == "missing"


def test_a_claim_removes_what_a_killed_process_left_half_written(entry: LedgerEntry) -> None:
    (entry.folder / ".result-xyz").mkdir(parents=True)
    for name in (".state.npz.123", ".progress.json.123"):
        (entry.folder / name).write_text("half")
    (entry.folder / "state.npz").write_text("whole")
    with entry.claimed({}):
        pass
    assert sorted(path.name for path in entry.folder.iterdir()) == ["cell.json", "lock", "state.npz"]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def write_half() -> None:
        with replacing(file) as draft:
            draft.write_text("ne")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert file.read_text() == "old"


def test_a_ledger_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Ledger(tmp_path / "file")


def test_results_are_files_for_people_and_equal_for_equal_trainings(small_corpus: Path, tmp_path: Path) -> None:
    prepared, cells = planned(a_config(small_corpus, tmp_path))
    one = finish(Ledger(tmp_path / "one"), cells[1], prepared)
    other = finish(Ledger(tmp_path / "other"), cells[1], prepared)
    files = sorted(path.name for path in one.result.iterdir())
    assert files == [
        "config.yaml",
        "confusion_matrix.csv",
        "history.csv",
        "predicted.npz",
        "predictions.csv",
        "run.json",
        "scores.json",
        "weights.weights.h5",
    ]
    for name in set(files) - {"run.json"}:
        assert (one.result / name).read_bytes() == (other.result / name).read_bytes()
    scores = json.loads((one.result / "scores.json").read_text())
    assert set(scores["rules"]) == {"best_validation", "best_test", "last"}
    rows = (one.result / "predictions.csv").read_text().splitlines()
    assert rows[0] == ("path,speaker,label,best_validation,best_test,last,p_anger,p_happiness,p_neutral,p_sadness")
    assert len(rows) == 1 + scores["sizes"]["test"]


def test_cell_ids_depend_on_what_decides_a_result(small_corpus: Path, tmp_path: Path) -> None:
    def ids(**settings: object) -> list[str]:
        return [cell.id for cell in planned(a_config(small_corpus, tmp_path, **settings))[1]]

    assert ids() == ids(study="x", n_jobs=2)
    assert len(set(ids())) == 3
    assert not set(ids()) & set(ids(seed=1))
    assert not set(ids()) & set(ids(threads=2))
    assert ids(fold=1) == ids()[1:2]
    with pytest.raises(Exception, match="fold=3 does not exist"):
        ids(fold=3)


@pytest.mark.parametrize(("last", "diverged"), [("1,0.5,0.25", False), ("1,,0.25", True), ("1,0.5,inf", True)])
def test_a_result_with_a_loss_that_is_not_finite_is_told_apart(entry: LedgerEntry, last: str, diverged: bool) -> None:
    with entry.claimed({}), entry.writing_result() as folder:
        (folder / "history.csv").write_text(f"epoch,train/loss,test/wa\n0,0.7,0.2\n{last}\n")
    assert entry.diverged is diverged


def test_tables_are_written_as_pandas_writes_them(small_corpus: Path, tmp_path: Path) -> None:
    prepared, (cell, *_) = planned(a_config(small_corpus, tmp_path))
    folder = finish(Ledger(tmp_path / "ledger"), cell, prepared).result
    for name, dtype in (("history.csv", "float64"), ("predictions.csv", "float32"), ("confusion_matrix.csv", "int64")):
        text = (folder / name).read_bytes().decode()
        table = pd.read_csv(folder / name, index_col=0, dtype={"speaker": str})
        numbers = table.select_dtypes("number").columns
        assert len(numbers)
        assert table.astype(dict.fromkeys(numbers, dtype)).to_csv(lineterminator="\n") == text
