"""Comparison of variants with the reference: pure functions of arrays.

Scores and differences are fractions, so one point is 0.01. A difference is **reference minus variant**: if it is
positive, the removal costs accuracy. Folds of one corpus share training data, so their differences are correlated, and
a plain paired t-test finds too many false effects; the tests here correct for this.

References
----------
- C. Nadeau and Y. Bengio, Inference for the Generalization Error, Machine Learning 52, 2003.
- G. Corani and A. Benavoli, A Bayesian approach for comparing cross-validated algorithms, Machine Learning 100, 2015.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from plb_ablate.statistics.equivalence import ROPE, Posterior, bayesian_correlated_t
from plb_ablate.statistics.paired_test import Floats, FoldScore, Pairs, TTest, nadeau_bengio, pair
from plb_ablate.statistics.power import extra_seeds_needed, minimal_detectable_delta

__all__ = ["Comparison", "compare", "compare_pairs", "holm"]

Name = TypeVar("Name")


@dataclass(frozen=True)
class Comparison:
    """All statistics of one variant; `p_holm` is corrected for all variants of the comparison."""

    pairs: Pairs
    test: TTest
    p_holm: float
    posterior: Posterior
    minimal_delta: float
    extra_seeds: int | None


def holm(p_values: ArrayLike) -> Floats:
    """Correct p-values, shape (m,), for m comparisons with Holm's step-down method.

    NaN, a comparison without a test, stays NaN and counts as one that shows nothing. Equal to statsmodels'
    `multipletests`, which collects garbage in every call: seconds among the objects of thousands of runs.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not p.size:
        return p
    order = np.argsort(p)  # NaN comes last
    steps = np.nan_to_num(p[order], nan=1.0) * np.arange(p.size, 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return np.where(np.isnan(p), np.nan, corrected)


def compare(
    reference: Mapping[tuple[int, int], FoldScore],
    variants: Mapping[str, Mapping[tuple[int, int], FoldScore]],
    *,
    rope: float = ROPE,
    power: float = 0.8,
    alpha: float = 0.05,
) -> dict[str, Comparison]:
    """Compare every variant with the reference, both as scores by (seed, fold).

    Holm's correction is over all `variants`. All seeds are assumed to use the same folds, as in the protocols of this
    package.

    Raises
    ------
    PairingError
        If a variant does not have exactly the (seed, fold) pairs of the reference, or has fewer than two folds.
    """
    pairs = {name: pair(reference, scores, name) for name, scores in variants.items()}
    return compare_pairs(pairs, rope=rope, power=power, alpha=alpha)


def compare_pairs(
    pairs: Mapping[Name, Pairs], *, rope: float = ROPE, power: float = 0.8, alpha: float = 0.05
) -> dict[Name, Comparison]:
    """Test differences by seed and fold, each with a name; Holm's correction is over all of them.

    Raises
    ------
    PairingError
        If there are fewer than two folds.
    """
    tests = {name: nadeau_bengio(p.differences, p.n_train, p.n_test, p.folds) for name, p in pairs.items()}
    corrected = holm([test.p for test in tests.values()])
    return {
        name: Comparison(
            pairs[name],
            test,
            float(p_holm),
            bayesian_correlated_t(test, rope),
            minimal_detectable_delta(test, power=power, alpha=alpha),
            extra_seeds_needed(test, power=power, alpha=alpha),
        )
        for (name, test), p_holm in zip(tests.items(), corrected, strict=True)
    }
