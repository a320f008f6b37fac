"""Practical equivalence of two variants: the posterior of their difference.

References
----------
G. Corani and A. Benavoli, A Bayesian approach for comparing cross-validated algorithms, Machine Learning 100, 2015.
"""

import math
from dataclasses import dataclass

from scipy import stats

from plb_ablate.core.errors import PairingError
from plb_ablate.statistics.paired_test import TTest

__all__ = ["ROPE", "Posterior", "bayesian_correlated_t", "posterior"]

ROPE = 0.01
"""Half-width of the region of practical equivalence: one point of accuracy."""


@dataclass(frozen=True)
class Posterior:
    """Probability that the removal costs accuracy, changes it by no more than `rope`, or gains; NaN without a test."""

    p_costs: float
    p_equivalent: float
    p_gains: float
    rope: float


def bayesian_correlated_t(test: TTest, rope: float = ROPE) -> Posterior:
    """Bayesian correlated t-test, computed from a `nadeau_bengio` test.

    The posterior of the mean difference is a Student distribution with that test's mean, standard error and degrees of
    freedom. `baycomp.two_on_single` gives the same result for equal folds of a k-fold without a validation split; it
    corrects by the number of folds, this function by the actual sizes.
    """
    if rope < 0:
        raise PairingError(f"rope={rope} must not be negative. Use 0 or a positive fraction, for example {ROPE}.")
    if test.untestable:
        return Posterior(math.nan, math.nan, math.nan, rope)
    return posterior(test.mean, test.se, test.df, rope)


def posterior(mean: float, se: float, df: float, rope: float = ROPE) -> Posterior:
    """Return the three probabilities for a Student distribution with this mean, scale and degrees of freedom."""
    costs = float(stats.t.sf(rope, df, mean, se))
    gains = float(stats.t.cdf(-rope, df, mean, se))
    return Posterior(costs, 1 - costs - gains, gains, rope)
