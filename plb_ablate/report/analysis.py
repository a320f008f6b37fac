"""A study with its paired comparisons under every rule: what the verdict, the figures and the audits all read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plb_ablate.core.errors import PairingError
from plb_ablate.report.read_artifacts import Trainings
from plb_ablate.report.study import Study
from plb_ablate.statistics.comparison import Comparison, compare
from plb_ablate.statistics.paired_test import FoldScore
from plb_ablate.tracking.mlflow_reader import StoredRun

__all__ = ["ALPHA", "CERTAIN", "Analysis", "analyse", "effect", "fold_scores", "points"]

ALPHA = 0.05
"""A difference is called shown where its Holm-corrected p-value is below this."""

CERTAIN = 0.95
"""Two variants are called equivalent where the posterior puts at least this much inside the region of equivalence."""


@dataclass(frozen=True)
class Analysis:
    """A study and what its differences are worth.

    Parameters
    ----------
    study : Study
        The runs.
    by_rule : mapping of str to mapping of str to Comparison
        Rule to ablation to its comparison with the proposed model, in the study's primary metric. A variant
        that lacks a fold is not compared.
    refused : mapping of str to str
        Rule to the reason why nothing could be compared.
    leaks : sequence of str, optional
        What the leakage audit that is stored with the runs warns of; None where none is stored.
    trainings : Trainings, optional
        Curves and confusion matrices, where the runs store them.
    run_page : str
        Address of a run's page in the MLflow UI, without its id; empty where there is no server.
    measured : mapping of str to list of StoredRun, optional
        Measurements of inference and memory of the dataset's models, where the store has any.
    """

    study: Study
    by_rule: Mapping[str, Mapping[str, Comparison]]
    refused: Mapping[str, str]
    leaks: Sequence[str] | None = None
    trainings: Trainings | None = None
    run_page: str = ""
    measured: Mapping[str, list[StoredRun]] = field(default_factory=dict)

    @property
    def primary_comparisons(self) -> Mapping[str, Comparison]:
        """Comparisons under the study's epoch-selection rule."""
        return self.by_rule.get(self.study.primary_metric[0], {})

    @property
    def not_compared(self) -> tuple[str, ...]:
        """Variants without a comparison under that rule."""
        return tuple(name for name in self.study.ablations if name != "none" and name not in self.primary_comparisons)


def fold_scores(study: Study, ablation: str, rule: str, metric: str) -> dict[tuple[int, int], FoldScore]:
    """Give a variant's scores with the sizes they rest on, by (seed, fold)."""
    runs = study.runs(ablation)
    return {
        cell: FoldScore(score, runs[cell].n_train, runs[cell].n_test)
        for cell, score in study.scores(ablation, rule, metric).items()
    }


def analyse(
    study: Study,
    leaks: Sequence[str] | None = None,
    trainings: Trainings | None = None,
    run_page: str = "",
    measured: Mapping[str, list[StoredRun]] | None = None,
) -> Analysis:
    """Compare every whole variant of a study with its proposed model, under every rule that its runs have."""
    by_rule: dict[str, Mapping[str, Comparison]] = {}
    refused: dict[str, str] = {}
    for rule in study.rules:
        try:
            by_rule[rule] = _compare(study, rule, study.primary_metric[1])
        except PairingError as error:
            refused[rule] = str(error)
    return Analysis(study, by_rule, refused, leaks, trainings, run_page, measured or {})


def _compare(study: Study, rule: str, metric: str) -> Mapping[str, Comparison]:
    scores = {name: fold_scores(study, name, rule, metric) for name in study.ablations}
    whole = {name: found for name, found in scores.items() if len(found) == len(study.seed_fold_pairs)}
    reference = whole.pop("none", None)
    if reference is None:
        raise PairingError(
            "There is nothing to compare with: the proposed model (ablation=none) has "
            f"{len(scores.get('none', {}))} of {len(study.seed_fold_pairs)} folds."
        )
    return compare(reference, whole)


def effect(comparison: Comparison) -> str:
    """Say in a word what a removal does.

    Returns
    -------
    str
        ``costs`` or ``gains`` where the corrected p-value is below `ALPHA`, ``equivalent`` where the posterior is
        `CERTAIN` that the difference is inside the region of equivalence, else ``open``.
    """
    if comparison.p_holm < ALPHA:
        return "costs" if comparison.test.mean > 0 else "gains"
    return "equivalent" if comparison.posterior.p_equivalent >= CERTAIN else "open"


def points(fraction: float) -> float:
    """Turn a fraction into points of accuracy."""
    return 100 * fraction if math.isfinite(fraction) else math.nan
