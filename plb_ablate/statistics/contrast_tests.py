"""Tests of contrasts for both questions: trained again, over folds and seeds; as trained, over utterances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plb_ablate.statistics.answers import Answers, require_pairs
from plb_ablate.statistics.comparison import Comparison, compare_pairs, holm
from plb_ablate.statistics.contrasts import Contrast, Weights
from plb_ablate.statistics.equivalence import posterior
from plb_ablate.statistics.paired_test import Floats, FoldScore, Pairs, pair
from plb_ablate.statistics.population_comparison import PopulationComparison
from plb_ablate.statistics.population_test import value_test

__all__ = ["Estimate", "contrast_pairs", "estimate_family", "utterance_values"]

Scores = Mapping[tuple[int, int], FoldScore]
"""(seed, fold) to score."""


@dataclass(frozen=True)
class Estimate:
    """A contrast with its tests.

    Parameters
    ----------
    contrast : Contrast
        What is estimated.
    comparison : Comparison
        The method, trained again.
    population : PopulationComparison, optional
        These trainings, in WA; None without the predictions of each of its networks.
    removals : tuple of float
        For an interaction, the mean cost of removing the first module alone, the second alone, and both.
    """

    contrast: Contrast
    comparison: Comparison
    population: PopulationComparison | None
    removals: tuple[float, ...] = ()


def estimate_family(
    contrasts: Sequence[Contrast], scores: Mapping[str, Scores], answers: Mapping[str, Answers]
) -> tuple[Estimate, ...]:
    """Estimate and test contrasts; Holm's correction is over all of them, inside each question.

    Parameters
    ----------
    contrasts : sequence of Contrast
        One family of hypotheses.
    scores : mapping of str to mapping of (int, int) to FoldScore
        Network to its scores by (seed, fold).
    answers : mapping of str to Answers
        Network to the predictions of its trainings, as far as they are there.

    Raises
    ------
    PairingError
        If networks of a contrast differ in their folds or utterances, or there are fewer than two folds.
    """
    compared = compare_pairs({c.modules: contrast_pairs(c.weights, scores) for c in contrasts})
    populations = _compare_population([c for c in contrasts if c.weights.keys() <= answers.keys()], answers)
    return tuple(
        Estimate(
            c,
            compared[c.modules],
            populations.get(c.modules),
            tuple(float(contrast_pairs(cost, scores).differences.mean()) for cost in c.removals),
        )
        for c in contrasts
    )


def contrast_pairs(weights: Weights, scores: Mapping[str, Scores]) -> Pairs:
    """Return the contrast of each seed and fold, with the sizes of the folds.

    Raises
    ------
    PairingError
        If a network lacks a (seed, fold) pair of another one, or has a fold of another size.
    """
    first, *others = weights
    for name in others:
        pair(scores[first], scores[name], name)
    gains, losses = (
        _weighted({name: sign * w for name, w in weights.items() if sign * w > 0}, scores) for sign in (1, -1)
    )
    return pair(gains, losses, "contrast")


def _weighted(weights: Weights, scores: Mapping[str, Scores]) -> dict[tuple[int, int], FoldScore]:
    """Return the weighted sums of scores of networks with the same folds."""
    sizes = scores[next(iter(weights))]
    return {
        cell: FoldScore(sum(w * scores[name][cell].score for name, w in weights.items()), own.n_train, own.n_test)
        for cell, own in sizes.items()
    }


def utterance_values(weights: Weights, answers: Mapping[str, Answers]) -> Floats:
    """Return, for each utterance, the contrast of the shares of seeds that are right: float64 (n,).

    Raises
    ------
    PairingError
        If networks were not asked about the same utterances with the same seeds and folds.
    """
    first, *others = weights
    for name in others:
        require_pairs(answers[first], answers[name])
    terms = [w * answers[name].correct.mean(axis=0) for name, w in weights.items()]
    return np.asarray(np.sum(terms, axis=0), dtype=np.float64).round(12)


def _compare_population(
    contrasts: Sequence[Contrast], answers: Mapping[str, Answers]
) -> dict[tuple[str, ...], PopulationComparison]:
    tests = {
        c.modules: value_test(utterance_values(c.weights, answers), answers[next(iter(c.weights))], signs=False)
        for c in contrasts
    }
    corrected = holm([test.p for test in tests.values()])
    return {
        modules: PopulationComparison({"wa": test}, {"wa": float(p)}, posterior(test.mean, test.se, test.df), parts=[])
        for (modules, test), p in zip(tests.items(), corrected, strict=True)
    }
