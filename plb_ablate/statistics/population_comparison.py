"""Comparison of variants with the reference over the population of utterances and speakers, for these trainings."""

from collections.abc import Mapping
from dataclasses import dataclass

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from plb_ablate.statistics.answers import Answers
from plb_ablate.statistics.comparison import holm
from plb_ablate.statistics.equivalence import ROPE, Posterior, posterior
from plb_ablate.statistics.population_test import PopulationTest, population_test
from plb_ablate.statistics.speaker_bootstrap import macro_f1_test
from plb_ablate.statistics.variance_parts import VariancePart, variance_parts

__all__ = ["METRICS", "PopulationComparison", "compare_population"]

METRICS = ("wa", "ua", "macro_f1")
"""Scores that are tested."""


@dataclass(frozen=True)
class PopulationComparison:
    """All statistics of one variant's trained networks.

    Parameters
    ----------
    tests : mapping of str to PopulationTest
        Test of the difference in ``wa``, ``ua`` and ``macro_f1``.
    p_holm : mapping of str to float
        The p-values corrected for all variants of the comparison, for each score by itself.
    posterior : Posterior
        Practical equivalence in WA.
    parts : list of VariancePart
        Sources of the variance of the difference in WA, the largest first.
    """

    tests: Mapping[str, PopulationTest]
    p_holm: Mapping[str, float]
    posterior: Posterior
    parts: list[VariancePart]


def compare_population(
    reference: Answers, variants: Mapping[str, Answers], rope: float = ROPE
) -> dict[str, PopulationComparison]:
    """Compare the trained networks of every variant with those of the reference.

    BLAS uses one thread: on products of these sizes a second one does nothing but wait.

    Raises
    ------
    PairingError
        If a variant was not asked about the same utterances with the same seeds and folds.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        tests = {name: _tests(reference, answers) for name, answers in variants.items()}
    corrected = {metric: holm([test[metric].p for test in tests.values()]) for metric in METRICS}
    return {
        name: PopulationComparison(
            test,
            {metric: float(corrected[metric][place]) for metric in METRICS},
            posterior(test["wa"].mean, test["wa"].se, test["wa"].df, rope),
            variance_parts(reference, variants[name]),
        )
        for place, (name, test) in enumerate(tests.items())
    }


def _tests(reference: Answers, variant: Answers) -> dict[str, PopulationTest]:
    """Test one variant in every score of `METRICS`."""
    wa, ua = (population_test(reference, variant, metric) for metric in ("wa", "ua"))
    return {"wa": wa, "ua": ua, "macro_f1": macro_f1_test(reference, variant)}
