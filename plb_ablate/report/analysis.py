"""A study with its paired comparisons under every epoch-selection rule: the input of verdicts, figures and audits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plb_ablate.core.errors import PairingError
from plb_ablate.report.module_effects import ModuleEffects, module_effects
from plb_ablate.report.read_artifacts import Trainings
from plb_ablate.report.read_predictions import Predictions
from plb_ablate.report.study import Study
from plb_ablate.statistics.answers import Answers, belong_together
from plb_ablate.statistics.comparison import Comparison, compare
from plb_ablate.statistics.paired_test import FoldScore
from plb_ablate.statistics.population_comparison import PopulationComparison, compare_population
from plb_ablate.tracking.mlflow_reader import StoredRun

__all__ = ["ALPHA", "CERTAIN", "Analysis", "analyse", "effect", "fold_scores", "points", "population_effect"]

ALPHA = 0.05
"""A difference is significant if its Holm-corrected p-value is below this level."""

CERTAIN = 0.95
"""Two variants are equivalent if the region of practical equivalence has at least this posterior probability."""


@dataclass(frozen=True)
class Analysis:
    """A study and the statistics of its differences.

    Parameters
    ----------
    study : Study
        The runs.
    by_rule : mapping of str to mapping of str to Comparison
        Rule to ablation to its comparison with the proposed model, in the study's primary metric. A variant
        that lacks a fold is not compared.
    refused : mapping of str to str
        Rule to the reason why no comparison was possible.
    leaks : sequence of str, optional
        Warnings of the leakage audit that is stored with the runs; None if there is no audit.
    trainings : Trainings, optional
        Curves and confusion matrices, if the runs store them.
    run_page : str
        Address of a run's page in the MLflow UI, without its id; empty without a server.
    measured : mapping of str to list of StoredRun, optional
        Measurements of inference and memory of the dataset's models, if the store has any.
    predictions : mapping of str to mapping of str to Answers
        Rule to ablation to the predictions of its trainings, as far as the runs store them.
    population_comparisons : mapping of str to PopulationComparison
        Ablation to the comparison of its trained networks with those of the proposed model, over the population of
        utterances and speakers, under the study's epoch-selection rule.
    module_effects : ModuleEffects, optional
        Effects of modules and pairs under that rule, if the variants are those of a design.
    """

    study: Study
    by_rule: Mapping[str, Mapping[str, Comparison]]
    refused: Mapping[str, str]
    leaks: Sequence[str] | None = None
    trainings: Trainings | None = None
    run_page: str = ""
    measured: Mapping[str, list[StoredRun]] = field(default_factory=dict)
    predictions: Predictions = field(default_factory=dict)
    population_comparisons: Mapping[str, PopulationComparison] = field(default_factory=dict)
    module_effects: ModuleEffects | None = None

    @property
    def primary_comparisons(self) -> Mapping[str, Comparison]:
        """Comparisons under the study's epoch-selection rule."""
        return self.by_rule.get(self.study.primary_metric[0], {})

    @property
    def not_compared(self) -> tuple[str, ...]:
        """Variants without a comparison under that rule."""
        return tuple(name for name in self.study.ablations if name != "none" and name not in self.primary_comparisons)


def fold_scores(study: Study, ablation: str, rule: str, metric: str) -> dict[tuple[int, int], FoldScore]:
    """Return a variant's scores, with the sizes of their splits, by (seed, fold)."""
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
    predictions: Predictions | None = None,
) -> Analysis:
    """Compare every complete variant of a study with its proposed model, under every rule of its runs.

    Where a race let variants leave early, the race is the comparison, and nothing else is tested: its looks have used
    the error that a test of the survivors would spend again.

    With the predictions of its trainings, they are also compared over utterances and speakers.
    """
    by_rule: dict[str, Mapping[str, Comparison]] = {}
    refused: dict[str, str] = {}
    if study.race:
        return Analysis(study, {}, {}, leaks, trainings, run_page, measured or {}, predictions or {})
    for rule in study.rules:
        try:
            by_rule[rule] = _compare(study, rule, study.primary_metric[1])
        except PairingError as error:
            refused[rule] = str(error)
    predictions = predictions or {}
    (rule, metric), effects = study.primary_metric, None
    populations = _compare_population(study, predictions.get(rule, {}))
    if rule in by_rule:
        effects = module_effects(study.key.family, _complete(study, rule, metric), predictions.get(rule, {}))
    compared = (by_rule, refused, leaks, trainings, run_page, measured or {}, predictions, populations, effects)
    return Analysis(study, *compared)


def _compare_population(study: Study, answers: Mapping[str, Answers]) -> Mapping[str, PopulationComparison]:
    """Compare the variants that were asked about the same utterances as the proposed model."""
    reference = answers.get("none")
    if reference is None:
        return {}
    others = {name: answers[name] for name in study.ablations if name in answers and name != "none"}
    return compare_population(reference, {name: a for name, a in others.items() if belong_together(reference, a)})


def _compare(study: Study, rule: str, metric: str) -> Mapping[str, Comparison]:
    complete = _complete(study, rule, metric)
    reference = complete.pop("none", None)
    if reference is None:
        raise PairingError(
            "There is no reference to compare with: the proposed model (ablation=none) has "
            f"{len(study.scores('none', rule, metric))} of {len(study.seed_fold_pairs)} folds."
        )
    return compare(reference, complete)


def _complete(study: Study, rule: str, metric: str) -> dict[str, dict[tuple[int, int], FoldScore]]:
    """Return the scores of the variants that have all folds of all seeds."""
    scores = {name: fold_scores(study, name, rule, metric) for name in study.ablations}
    return {name: by_fold for name, by_fold in scores.items() if len(by_fold) == len(study.seed_fold_pairs)}


def effect(comparison: Comparison, population: PopulationComparison | None = None) -> str:
    """Classify the effect of a removal.

    Parameters
    ----------
    comparison : Comparison
        Its folds: evidence on the method.
    population : PopulationComparison, optional
        Its trained networks.

    Returns
    -------
    str
        For the method, ``costs`` or ``gains`` if the corrected p-value is below `ALPHA`, and ``equivalent`` if the
        posterior probability of the region of practical equivalence is at least `CERTAIN`. If neither is shown, the
        same for the trained networks: ``costs_here``, ``gains_here``, ``equivalent_here``. Otherwise ``inconclusive``.
    """
    if comparison.p_holm < ALPHA:
        return "costs" if comparison.test.mean > 0 else "gains"
    if comparison.posterior.p_equivalent >= CERTAIN:
        return "equivalent"
    word = "inconclusive" if population is None else population_effect(population)
    return word if word == "inconclusive" else f"{word}_here"


def population_effect(population: PopulationComparison) -> str:
    """Classify what is shown for the trained networks: ``costs``, ``gains``, ``equivalent`` or ``inconclusive``."""
    if population.p_holm["wa"] < ALPHA:
        return "costs" if population.tests["wa"].mean > 0 else "gains"
    return "equivalent" if population.posterior.p_equivalent >= CERTAIN else "inconclusive"


def points(fraction: float) -> float:
    """Convert a fraction to percentage points."""
    return 100 * fraction if math.isfinite(fraction) else math.nan
