"""Differences between two variants fold by fold, and the paired t-test that allows for shared training data.

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

Floats = NDArray[np.float64]

Ints = NDArray[np.int64]


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
    differences = finite_values([x.score - y.score for x, y in zip(a, b, strict=True)], f"scores of {name} and none")
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
    values = finite_values(differences, "differences")
    test, train = (np.broadcast_to(finite_values(size, "sizes"), values.shape) for size in (n_test, n_train))
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
    se, df = standard_error(b2, w2, k, h, ratio)
    mean = float(means.mean())
    t = mean / se if se else math.copysign(math.inf, mean) if mean else 0.0
    half = float(stats.t.ppf(0.975, df)) * se
    between, within = (max(0.0, b2 - h * w2), w2) if spare else (0.0, b2)
    p = 2 * float(stats.t.sf(abs(t), df))
    return TTest(mean, se, df, t, p, (mean - half, mean + half), values.size, k, ratio, between, within)


def finite_values(values: ArrayLike, what: str) -> Floats:
    """Give `values` as float64; a PairingError, which calls them `what`, if one is not finite."""
    """Give `values` as float64; a PairingError, which calls them `what`, if one is not finite."""
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise PairingError(
            f"The {what} hold values that are not finite, {np.sum(~np.isfinite(array))} of {array.size}."
        )
    return array


def _above(value: float, rounding: float) -> float:
    return value if value > rounding else 0.0


def standard_error(b2: float, w2: float, k: int, h: float, ratio: float) -> tuple[float, float]:
    """Give the standard error of the mean and its degrees of freedom; for the symbols see `nadeau_bengio`."""
    seen, unseen = b2 * (1 / k + ratio), ratio * (1 - h) * w2
    if unseen == 0:
        return math.sqrt(seen), float(k - 1)
    spare = k / h - k
    return math.sqrt(seen + unseen), (seen + unseen) ** 2 / (seen**2 / (k - 1) + unseen**2 / spare)
