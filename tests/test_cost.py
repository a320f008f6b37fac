"""What a large study costs, from the cells of a ledger."""

from pathlib import Path

import pytest

from plb_ablate.cost import StudySize, core_seconds, main
from plb_ablate.ledger.store import Ledger
from tests.results_helper import a_config, finish, planned


def test_the_formula() -> None:
    study = StudySize(corpora=("emodb",), seeds=2, variants=3, folds=10, epochs=100)
    assert study.cells == 2 * 3 * 10
    assert study.passes == 535 * 9 * 100 * 2
    assert core_seconds(study, {"none": 0.010, "sa": 0.020}) == pytest.approx(study.passes * (0.010 + 0.020 + 0.015))


def test_the_default_study_trains_every_distinct_network() -> None:
    assert StudySize().cells == 10 * 3 * 28 * 10


def test_cost_is_judged_by_a_ledger(small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = a_config(small_corpus, tmp_path)
    prepared, cells = planned(config)
    entry = finish(Ledger(Path(config.ledger)), cells[0], prepared)
    each = 2.0 / entry.read("result/scores.json")["sizes"]["train"]
    hours = StudySize(("emodb",), 1, 1, 10, 100).passes * each / 3600
    options = ["--corpora", "emodb", "--seeds", "1", "--variants", "1", "--epochs", "100", "--cores", "1"]
    assert main(["--ledger", config.ledger, *options]) == 0
    said = capsys.readouterr().out
    assert f"{hours:,.0f} core hours" in said
    assert "10 cells" in said
    assert "0 of the variants are extrapolated" in said


def test_an_empty_ledger_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--ledger", str(tmp_path)]) == 2
    assert "no finished cell" in capsys.readouterr().err
