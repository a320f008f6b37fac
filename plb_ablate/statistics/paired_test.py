"""Differences between two variants for each fold, and the paired t-test corrected for shared training data.

References
----------
C. Nadeau and Y. Bengio, Inference for the Generalization Error, Machine Learning 52, 2003.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from plb_ablate.core.errors import PairingError

__all__ = [
    "FEWEST_FOLDS",
    "Floats",
    "FoldScore",
    "Ints",
    "Pairs",
    "TTest",
    "finite_values",
    "nadeau_bengio",
    "pair",
    "standard_error",
]

FEWEST_FOLDS = 5
"""Fewest folds whose spread is taken as known; with fewer there is no test."""

Floats = NDArray[np.float64]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FoldScore:
    """Score of one variant on one fold, and its numbers of training and test utterances."""

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
        Variance between folds, which retraining does not reduce, and variance between trainings of the same fold, which
        it does. With one training per fold they cannot be separated, and all variance is counted as `within`.
    untestable : str
        Why there is no test; then `t`, `p` and `ci95` are NaN, and nothing is shown. Empty if there is one.
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
    untestable: str = ""


def pair(
    reference: Mapping[tuple[int, int], FoldScore], variant: Mapping[tuple[int, int], FoldScore], name: str = "variant"
) -> Pairs:
    """Pair two variants' scores by (seed, fold).

    Raises
    ------
    PairingError
        If either lacks a (seed, fold) pair of the other, or their folds differ in size; all such pairs are listed. Also
        if a score is not finite.
    """
    missing = {name: sorted(reference.keys() - variant.keys()), "none": sorted(variant.keys() - reference.keys())}
    listed = [f"{who} lacks (seed, fold) {', '.join(map(str, pairs))}" for who, pairs in missing.items() if pairs]
    if listed:
        raise PairingError(f"{name} cannot be paired with none: {'; '.join(listed)}. Train these folds.")
    cells = sorted(reference)
    a, b = [reference[cell] for cell in cells], [variant[cell] for cell in cells]
    unlike = [c for c, x, y in zip(cells, a, b, strict=True) if (x.n_train, x.n_test) != (y.n_train, y.n_test)]
    if unlike:
        raise PairingError(f"{name} and none have folds of different size: (seed, fold) {', '.join(map(str, unlike))}.")
    differences = finite_values([x.score - y.score for x, y in zip(a, b, strict=True)], f"scores of {name} and none")
    sizes = np.array([(x.n_train, x.n_test) for x in a], dtype=np.int64).reshape(-1, 2)
    seeds, folds = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    return Pairs(differences.round(12), sizes[:, 0], sizes[:, 1], seeds, folds)


def nadeau_bengio(
    differences: ArrayLike, n_train: ArrayLike, n_test: ArrayLike, folds: ArrayLike | None = None
) -> TTest:
    """Corrected resampled t-test of paired differences against zero.

    The differences of two folds are assumed to correlate by ``n_test / (n_test + n_train)``; the variance of the mean
    is then ``s**2 * (1 / n + ratio)`` with ``n - 1`` degrees of freedom. `ratio` is the mean over differences of
    ``n_test / n_train``, which for unequal folds of one corpus is never below the ratio of the mean sizes, so it is
    conservative.

    If each repetition of k-fold shuffles the folds again, omit `folds`. If seeds retrain on the **same** folds, give
    the fold of each difference: two seeds of a fold share its test set, so they are not independent. With ``b**2`` the
    variance of the k fold means, ``w**2`` the pooled variance within folds and h the mean of 1 / (trainings per fold),
    the variance of the mean is ``b**2 / k + ratio * (b**2 + (1 - h) * w**2)``. This is unbiased for any similarity of
    the seeds of a fold, and equal to the above for one seed. Degrees of freedom follow Satterthwaite.

    Parameters
    ----------
    differences : array of shape (n,)
        Reference minus variant.
    n_train, n_test : int or array of shape (n,)
        Training and test utterances of each pair.
    folds : array of shape (n,), optional
        Test set of each difference; by default each has its own.

    Returns
    -------
    TTest
        Without a test if there are fewer than `FEWEST_FOLDS` folds, or if nothing varies: a spread that was not seen is
        unknown, not zero.

    Raises
    ------
    PairingError
        If there are fewer than two folds, a value is not finite, or a size is not positive.
    """
    values = finite_values(differences, "differences")
    test, train = (np.broadcast_to(finite_values(size, "sizes"), values.shape) for size in (n_test, n_train))
    fold = np.unique(np.arange(values.size) if folds is None else np.asarray(folds), return_inverse=True)[1]
    repeats = np.bincount(fold)
    k, spare = repeats.size, values.size - repeats.size
    if values.ndim != 1 or k < 2 or (test <= 0).any() or (train <= 0).any():
        raise PairingError(
            f"A paired test needs two folds or more, each with training and test utterances, but there are {k}."
        )
    ratio, h = float(np.mean(test / train)), float(np.mean(1 / repeats))
    means = np.bincount(fold, values) / repeats
    rounding = (1e-12 * float(np.abs(values).max())) ** 2
    b2 = _above(float(np.var(means, ddof=1)), rounding)
    w2 = _above(float(np.sum((values - means[fold]) ** 2)) / spare, rounding) if spare else 0.0
    se, df = standard_error(b2, w2, k, h, ratio)
    mean = float(means.mean())
    between, within = (max(0.0, b2 - h * w2), w2) if spare else (0.0, b2)
    untestable = _untestable(k, se)
    t = math.nan if untestable else mean / se
    half = math.nan if untestable else float(stats.t.ppf(0.975, df)) * se
    p = 2 * float(stats.t.sf(abs(t), df))
    return TTest(mean, se, df, t, p, (mean - half, mean + half), values.size, k, ratio, between, within, untestable)


def _untestable(k: int, se: float) -> str:
    if k < FEWEST_FOLDS:
        return f"{k} folds are too few to know their spread; {FEWEST_FOLDS} or more are needed"
    return "" if se else "all folds have the same difference, so that their spread is unknown"


def finite_values(values: ArrayLike, name: str) -> Floats:
    """Return `values` as float64; raises a PairingError with their `name` if one is not finite."""
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise PairingError(
            f"The {name} contain values that are not finite, {np.sum(~np.isfinite(array))} of {array.size}."
        )
    return array


def _above(value: float, rounding: float) -> float:
    return value if value > rounding else 0.0


def standard_error(b2: float, w2: float, k: int, h: float, ratio: float) -> tuple[float, float]:
    """Return the standard error of the mean and its degrees of freedom; for the symbols see `nadeau_bengio`."""
    seen, unseen = b2 * (1 / k + ratio), ratio * (1 - h) * w2
    if unseen == 0:
        return math.sqrt(seen), float(k - 1)
    spare = k / h - k
    return math.sqrt(seen + unseen), (seen + unseen) ** 2 / (seen**2 / (k - 1) + unseen**2 / spare)
