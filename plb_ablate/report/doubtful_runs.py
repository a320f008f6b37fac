"""Runs whose scores say nothing about a module: trainings that diverged, and models that predict one class only."""

from collections.abc import Sequence

from plb_ablate.report.study import FoldRun, Study
from plb_ablate.training.metrics import is_flat

__all__ = ["diverged_runs", "flat_runs"]


def diverged_runs(study: Study) -> list[FoldRun]:
    """Return the runs whose training diverged; they count as missing."""
    return [run for run in study.folds if run.diverged]


def flat_runs(study: Study, rules: Sequence[str]) -> list[FoldRun]:
    """Return the runs whose model predicts one class for every test utterance at the epoch of one of the rules."""
    return [
        run
        for run in study.folds
        if not run.diverged and any(is_flat(run.scores[rule]) for rule in rules if rule in run.scores)
    ]
