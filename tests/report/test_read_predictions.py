"""What every training said of every utterance comes back from the store as it was written."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from plb_ablate.config.schema import Config
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.report.analysis import analyse
from plb_ablate.report.page import sections
from plb_ablate.report.read_predictions import read_predictions
from plb_ablate.report.read_runs import read_studies
from plb_ablate.report.study import Study
from plb_ablate.tracking.mlflow_writer import Tracker
from plb_ablate.tracking.predictions_file import PREDICTIONS_FILE, from_csv, merged, packed, read_packed
from plb_ablate.tracking.store import open_store
from tests.results_helper import a_config, finish, planned

RULE = "best_validation"


class Stored:
    """Two variants of three folds and two seeds, in a ledger and in a store."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.entries: dict[tuple[str, int, int], LedgerEntry] = {}
        for ablation in ("none", "sa"):
            for seed in (1, 2):
                self.config: Config = a_config(root, folder, ablation=ablation, seed=seed)
                ledger = Ledger(Path(self.config.ledger))
                prepared, cells = planned(self.config)
                tracker = Tracker(self.config.tracking, ledger)
                for cell in cells:
                    entry = finish(ledger, cell, prepared, seed=10 * seed + cell.fold + len(ablation))
                    tracker.upload(entry)
                    self.entries[ablation, seed, cell.fold] = entry

    def study(self) -> Study:
        return read_studies(open_store(self.config.tracking.uri or ""), self.config.tracking.experiment)[0]

    def read(self) -> dict[str, dict[str, np.ndarray]]:
        """By variant: columns sorted by path."""
        found = read_predictions(open_store(self.config.tracking.uri or ""), self.study())[RULE]
        return {
            name: {"predicted": a.predicted, "labels": a.labels, "folds": a.folds, "speakers": np.asarray(a.speakers)}
            for name, a in found.items()
        }

    def packed_files(self) -> list[Path]:
        folder = Path(self.config.tracking.uri.removeprefix("sqlite:///")).parent  # type: ignore[union-attr]
        return sorted(folder.rglob(PREDICTIONS_FILE))


@pytest.fixture(scope="module")
def stored(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return Stored(small_corpus, tmp_path_factory.mktemp("predictions"))


@pytest.fixture
def hidden(stored: Stored) -> Iterator[list[Path]]:
    """The compact files, which are put back after the test."""
    files = stored.packed_files()
    contents = {file: file.read_bytes() for file in files}
    yield files
    for file, content in contents.items():
        file.write_bytes(content)


def same(one: dict[str, dict[str, np.ndarray]], other: dict[str, dict[str, np.ndarray]]) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[name][column], other[name][column]) for name in one for column in one[name]
    )


def test_predictions_come_back_as_the_ledger_has_them(stored: Stored) -> None:
    assert len(stored.packed_files()) == 4, "one for each variant and seed"
    read = stored.read()
    for (ablation, seed, fold), entry in stored.entries.items():
        lines = (entry.result / "predictions.csv").read_text().splitlines()
        rows = sorted(csv.DictReader(lines), key=lambda row: row["path"])
        classes = entry.read("result/scores.json")["classes"]
        table, mine = read[ablation], read[ablation]["folds"] == fold
        assert table["predicted"][seed - 1, mine].tolist() == [classes.index(row[RULE]) for row in rows]
        assert table["labels"][mine].tolist() == [classes.index(row["label"]) for row in rows]
        assert table["speakers"][mine].tolist() == [row["speaker"] for row in rows]


@pytest.mark.parametrize("content", [None, b"", b"PK damaged"])
def test_stores_without_the_file_are_read_fold_by_fold(
    stored: Stored, hidden: list[Path], content: bytes | None
) -> None:
    before = stored.read()
    for file in hidden:
        file.unlink() if content is None else file.write_bytes(content)
    assert same(stored.read(), before)


def test_a_fold_that_the_file_lacks_is_read_from_its_own_run(stored: Stored, hidden: list[Path]) -> None:
    before = stored.read()
    table = read_packed(hidden[0].read_bytes())
    kept = table["fold"] != 1
    hidden[0].write_bytes(packed({name: v if name == "classes" else v[kept] for name, v in table.items()}))
    assert same(stored.read(), before)


def test_a_fold_that_is_uploaded_again_replaces_its_rows(stored: Stored) -> None:
    entry = stored.entries["sa", 1, 2]
    table = from_csv(
        (entry.result / "predictions.csv").read_text(), tuple(entry.read("result/scores.json")["classes"]), 2
    )
    twice = merged(merged(None, table), table)
    assert len(twice["path"]) == len(table["path"])
    other = {name: column if name == "classes" else column.copy() for name, column in table.items()}
    other["fold"] = np.full_like(table["fold"], 1)
    assert packed(merged(merged(None, table), other)) == packed(merged(merged(None, other), table))


def test_the_report_keeps_both_questions_apart(stored: Stored) -> None:
    client = open_store(stored.config.tracking.uri or "")
    study = stored.study()
    analysis = analyse(study, predictions=read_predictions(client, study))
    parts = sections(analysis, claimed=False)
    tables = {table.name: table for part in parts for table in part.tables}
    row = [cell.text for cell in tables["these_trainings"].rows[0]]
    d = stored.read()
    delta = (d["none"]["predicted"] == d["none"]["labels"]).mean() - (d["sa"]["predicted"] == d["sa"]["labels"]).mean()
    assert row[:2] == ["SA", f"{100 * delta:+.2f}"]
    assert row[-2:] == ["24", "2"]
    method = [cell.text for cell in tables["differences"].rows[0]]
    assert method[2:6] == ["–"] * 4
    assert any("3 folds are too few" in note for note in tables["differences"].notes)
    assert {row[1].text for row in tables["variance_parts"].rows} >= {"seeds", "utterances"}
    assert "pooled UA(%)" in tables[f"accuracy_{RULE}"].header
    words = parts[0].words
    assert "Two questions are kept apart" in words
    assert "The method: Δ" in words
    assert "no test: 3 folds are too few" in words
