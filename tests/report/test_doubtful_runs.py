"""A training that diverged or predicts one class only is never counted as evidence without a word."""

import math
from collections.abc import Callable

import pytest

from plb_ablate.report.analysis import analyse
from plb_ablate.report.read_runs import read_studies
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import accuracy_table, wa_table
from plb_ablate.report.tables.verdict import verdict
from plb_ablate.tracking.store import open_store
from tests.report.store import Sweep

Make = Callable[..., Sweep]


@pytest.fixture
def study(sweep: Make, uri: str) -> Study:
    """Two variants whose folds are flat, one with a fold that diverged to NaN, one with a fold that is infinite."""
    made = sweep()
    for name in ("none", "cbam"):
        made.parent(name, n_folds=2)
        for fold in range(2):
            made.child(name, fold, 0.267, n_folds=2, predicted_classes=1)
    for name, loss in (("sa", math.nan), ("routing", math.inf)):
        made.variant(name, [0.8], n_folds=2)
        made.child(name, 1, 0.267, n_folds=2, loss=loss)
    return read_studies(open_store(uri), "plb_ablate")[0]


@pytest.mark.parametrize("name", ["sa", "routing"])
def test_the_scores_of_a_training_that_diverged_are_never_averaged(study: Study, name: str) -> None:
    assert study.missing(name, "best_test", "score") == [(42, 1)]
    assert name in analyse(study).not_compared


def test_the_report_names_what_diverged_and_what_predicts_one_class_only(study: Study) -> None:
    words = verdict(analyse(study))
    assert "Diverged, so that their scores are not used: SA: seed 42 fold 1; routing: seed 42 fold 1." in words
    assert "One class only: proposed: seed 42 fold 0 1; CBAM: seed 42 fold 0 1 predict the same class" in words
    for table in (wa_table(study), accuracy_table(study, "last")):
        assert any(note.startswith("Diverged") for note in table.notes)
        assert any(note.startswith("One class only") for note in table.notes)


def test_sound_runs_have_no_such_note(sweep: Make, uri: str) -> None:
    sweep().variant("none", [0.8, 0.7], n_folds=2)
    words = verdict(analyse(read_studies(open_store(uri), "plb_ablate")[0]))
    assert "One class only" not in words
    assert "Diverged" not in words
