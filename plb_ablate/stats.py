"""What a difference between two variants is worth: pure functions of arrays.

Scores and differences are fractions, so one point is 0.01. A difference is **reference minus variant**: where it is
positive, the removal costs accuracy. Folds of one corpus share training data, so their differences are correlated, and
a plain paired t-test finds effects that are not there; everything here allows for that.

References
----------
- C. Nadeau and Y. Bengio, Inference for the Generalization Error, Machine Learning 52, 2003.
- G. Corani and A. Benavoli, A Bayesian approach for comparing cross-validated algorithms, Machine Learning 100, 2015.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

from plb_ablate.errors import PairingError

__all__ = [
    "ROPE",
    "Comparison",
    "FoldScore",
    "Pairs",
    "Posterior",
    "Summary",
    "TTest",
    "bayesian_correlated_t",
    "compare",
    "delta_row",
    "extra_seeds_needed",
    "holm",
    "minimal_detectable_delta",
    "nadeau_bengio",
    "pair",
    "wa_summary",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROPE = 0.01
"""Half-width of the region of practical equivalence: one point of accuracy."""

MOST_SEEDS = 10_000
"""Where `extra_seeds_needed` gives up; the power is flat long before."""


@dataclass(frozen=True)
class FoldScore:
    """Score of one variant on one fold, and the utterances that it was trained and tested on."""

    score: float
    n_train: int
    n_test: int


@dataclass(frozen=True, eq=False)
class Pairs:
    """Reference minus variant on identical folds, sorted by seed, then fold; every array has shape (n,)."""

    differences: Floats
    n_train: Ints
    n_test: Ints
    seeds: Ints
    folds: Ints


@dataclass(frozen=True)
class TTest:
    """Result of `nadeau_bengio`.

    Parameters
    ----------
    mean, se : float
        Mean difference and its corrected standard error.
    df, t, p : float
        Degrees of freedom, statistic and two-sided p-value.
    ci95 : (float, float)
        95 % interval of the mean difference.
    n, n_folds : int
        Number of differences, and of test sets among them.
    ratio : float
        Test/train ratio.
    between, within : float
        The part of a fold's variance that retraining on it does not shrink, and the part that it does. With one
        training a fold they cannot be told apart, and all is counted as `within`.
    """

    mean: float
    se: float
    df: float
    t: float
    p: float
    ci95: tuple[float, float]
    n: int
    n_folds: int
    ratio: float
    between: float
    within: float


@dataclass(frozen=True)
class Posterior:
    """Probability that the removal costs accuracy, changes it by no more than `rope`, or gains."""

    p_costs: float
    p_equivalent: float
    p_gains: float
    rope: float


@dataclass(frozen=True)
class Comparison:
    """All that is said about one variant; `p_holm` allows for every variant that was compared with it."""

    pairs: Pairs
    test: TTest
    p_holm: float
    posterior: Posterior
    minimal_delta: float
    extra_seeds: int | None


@dataclass(frozen=True)
class Summary:
    """Largest, smallest and mean score, and the standard deviation with ``ddof=1`` (NaN for a single score)."""

    max: float
    min: float
    mean: float
    std: float


def pair(
    reference: Mapping[tuple[int, int], FoldScore], variant: Mapping[tuple[int, int], FoldScore], name: str = "variant"
) -> Pairs:
    """Pair two variants' scores by (seed, fold).

    Raises
    ------
    PairingError
        If either lacks a cell of the other, or their folds are of different size; every such cell is listed. Also if a
        score is not finite.
    """
    lacking = {name: sorted(reference.keys() - variant.keys()), "none": sorted(variant.keys() - reference.keys())}
    missing = [f"{who} lacks (seed, fold) {', '.join(map(str, cells))}" for who, cells in lacking.items() if cells]
    if missing:
        raise PairingError(f"{name} cannot be paired with none: {'; '.join(missing)}. Run these cells.")
    cells = sorted(reference)
    a, b = [reference[cell] for cell in cells], [variant[cell] for cell in cells]
    unlike = [c for c, x, y in zip(cells, a, b, strict=True) if (x.n_train, x.n_test) != (y.n_train, y.n_test)]
    if unlike:
        raise PairingError(f"{name} and none have folds of different size: (seed, fold) {', '.join(map(str, unlike))}.")
    differences = _finite([x.score - y.score for x, y in zip(a, b, strict=True)], f"scores of {name} and none")
    sizes = np.array([(x.n_train, x.n_test) for x in a], dtype=np.int64).reshape(-1, 2)
    seeds, folds = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    return Pairs(differences.round(12), sizes[:, 0], sizes[:, 1], seeds, folds)


def nadeau_bengio(
    differences: ArrayLike, n_train: ArrayLike, n_test: ArrayLike, folds: ArrayLike | None = None
) -> TTest:
    """Corrected resampled t-test of paired differences against zero.

    The differences of two folds are taken to correlate by ``n_test / (n_test + n_train)``; the variance of the mean is
    then ``s**2 * (1 / n + ratio)`` with ``n - 1`` degrees of freedom. `ratio` is the mean over differences of
    ``n_test / n_train``, which for unequal folds of one corpus is never below the ratio of the mean sizes: it errs
    towards caution.

    Where each repeat of k-fold reshuffles the folds, leave `folds` out. Where seeds retrain on the **same** folds, name
    the fold of each difference: two seeds of a fold share its test set, so they are less than twice the evidence. With
    ``b**2`` the variance of the k fold means, ``w**2`` the pooled variance inside folds and h the mean of 1 / trainings
    a fold, the variance of the mean is ``b**2 / k + ratio * (b**2 + (1 - h) * w**2)``. That is unbiased however alike
    the seeds of a fold are, and the same as above with one seed. Degrees of freedom follow Satterthwaite.

    Parameters
    ----------
    differences : array of shape (n,)
        Reference minus variant.
    n_train, n_test : int or array of shape (n,)
        Utterances that each pair was trained and tested on.
    folds : array of shape (n,), optional
        Name of each difference's test set; by default each has its own.

    Returns
    -------
    TTest
        Where nothing varies, p is 1 if every difference is zero, else 0.

    Raises
    ------
    PairingError
        If there are fewer than two folds, a value is not finite, or a size is not positive.
    """
    values = _finite(differences, "differences")
    test, train = (np.broadcast_to(_finite(size, "sizes"), values.shape) for size in (n_test, n_train))
    fold = np.unique(np.arange(values.size) if folds is None else np.asarray(folds), return_inverse=True)[1]
    repeats = np.bincount(fold)
    k, spare = repeats.size, values.size - repeats.size
    if values.ndim != 1 or k < 2 or (test <= 0).any() or (train <= 0).any():
        raise PairingError(f"A paired test needs two folds or more, each with utterances on both sides; {k} given.")
    ratio, h = float(np.mean(test / train)), float(np.mean(1 / repeats))
    means = np.bincount(fold, values) / repeats
    rounding = (1e-12 * float(np.abs(values).max())) ** 2
    b2 = _above(float(np.var(means, ddof=1)), rounding)
    w2 = _above(float(np.sum((values - means[fold]) ** 2)) / spare, rounding) if spare else 0.0
    se, df = _standard_error(b2, w2, k, h, ratio)
    mean = float(means.mean())
    t = mean / se if se else math.copysign(math.inf, mean) if mean else 0.0
    half = float(stats.t.ppf(0.975, df)) * se
    between, within = (max(0.0, b2 - h * w2), w2) if spare else (0.0, b2)
    p = 2 * float(stats.t.sf(abs(t), df))
    return TTest(mean, se, df, t, p, (mean - half, mean + half), values.size, k, ratio, between, within)


def _finite(values: ArrayLike, what: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise PairingError(
            f"The {what} hold values that are not finite, {np.sum(~np.isfinite(array))} of {array.size}."
        )
    return array


def _above(value: float, rounding: float) -> float:
    return value if value > rounding else 0.0


def _standard_error(b2: float, w2: float, k: int, h: float, ratio: float) -> tuple[float, float]:
    """Give the standard error of the mean and its degrees of freedom; for the symbols see `nadeau_bengio`."""
    seen, unseen = b2 * (1 / k + ratio), ratio * (1 - h) * w2
    if unseen == 0:
        return math.sqrt(seen), float(k - 1)
    spare = k / h - k
    return math.sqrt(seen + unseen), (seen + unseen) ** 2 / (seen**2 / (k - 1) + unseen**2 / spare)


def holm(p_values: ArrayLike) -> Floats:
    """Correct p-values, shape (m,), for m comparisons by Holm's step-down method.

    Raises
    ------
    PairingError
        If a value is not finite.
    """
    p = _finite(p_values, "p-values")
    return np.asarray(multipletests(p, method="holm")[1], dtype=np.float64) if p.size else p


def _power(effect: float, df: float, alpha: float) -> float:
    """Give the power of a two-sided t-test whose statistic is centred on `effect`, not negative.

    The far tail is at most the normal one at -effect; past 5 it is nothing, and scipy's can be NaN there.
    """
    critical = stats.t.isf(alpha / 2, df)
    far = stats.nct.cdf(-critical, df, effect) if effect < 5 else 0.0
    return float(stats.nct.sf(critical, df, effect) + far)


def minimal_detectable_delta(test: TTest, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Give the smallest true difference that a study with this spread and these folds finds with the given power.

    Found with the noncentral t distribution, at the test's own standard error and degrees of freedom.
    """
    high = 1.0
    while _power(high, test.df, alpha) < power:
        high *= 2
    return test.se * float(optimize.brentq(lambda effect: _power(effect, test.df, alpha) - power, 0.0, high))


def extra_seeds_needed(test: TTest, *, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Give how many more seeds (each trains all `test.n_folds` folds once) would find the observed difference.

    Takes the observed mean and spread for the truth, so it is a plan for a next study and no evidence on this one.

    Returns
    -------
    int or None
        0 where this study has the power already. None where no number of seeds is enough: the correction's test/train
        term does not shrink with repeats, so a small difference needs other or more recordings. With one seed nothing
        tells a fold's own variance from that of retraining; all of it is taken to shrink, and the number is a lower
        bound.
    """
    if not test.mean:
        return None

    def enough(extra: int) -> bool:
        h = 1 / (test.n / test.n_folds + extra)
        se, df = _standard_error(test.between + h * test.within, test.within, test.n_folds, h, test.ratio)
        return se == 0 or _power(abs(test.mean) / se, df, alpha) >= power

    return bisect_left(range(MOST_SEEDS), True, key=enough) if enough(MOST_SEEDS) else None


def bayesian_correlated_t(test: TTest, rope: float = ROPE) -> Posterior:
    """Bayesian correlated t-test, read off a `nadeau_bengio` test.

    The posterior of the mean difference is a Student distribution with that test's mean, standard error and degrees of
    freedom. `baycomp.two_on_single` is the same for equal folds and k-fold without a validation part; its correction
    knows only the number of folds, this one the real sizes.
    """
    if rope < 0:
        raise PairingError(f"rope={rope} must not be negative.")
    if not test.se:
        costs, gains = float(test.mean > rope), float(test.mean < -rope)
    else:
        costs = float(stats.t.sf(rope, test.df, test.mean, test.se))
        gains = float(stats.t.cdf(-rope, test.df, test.mean, test.se))
    return Posterior(costs, 1 - costs - gains, gains, rope)


def compare(
    reference: Mapping[tuple[int, int], FoldScore],
    variants: Mapping[str, Mapping[tuple[int, int], FoldScore]],
    *,
    rope: float = ROPE,
    power: float = 0.8,
    alpha: float = 0.05,
) -> dict[str, Comparison]:
    """Compare every variant with the reference, both as scores by (seed, fold); Holm's family is all of `variants`.

    Seeds are taken to retrain on the same folds, as the protocols of this package make them.

    Raises
    ------
    PairingError
        If a variant does not have exactly the reference's cells, or fewer than two folds.
    """
    pairs = {name: pair(reference, scores, name) for name, scores in variants.items()}
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


def wa_summary(scores: ArrayLike) -> Summary:
    """Summarise fold scores, shape (n,), as the published tables do, with their standard deviation beside.

    Raises
    ------
    PairingError
        If there is no score, or one is not finite.
    """
    values = _finite(scores, "scores")
    if not values.size:
        raise PairingError("There are no scores to summarise.")
    std = float(np.std(values, ddof=1)) if values.size > 1 else math.nan
    return Summary(float(values.max()), float(values.min()), float(values.mean()), std)


def delta_row(proposed: Sequence[float], others: Iterable[Sequence[float]]) -> tuple[float, ...]:
    """Apply the published Δ rule: the proposed row minus the best (largest) other row, column by column."""
    return tuple(mine - max(column) for mine, *column in zip(proposed, *others, strict=True))
