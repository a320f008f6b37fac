"""When a variant of a race is decided: shown, equivalent or futile, after each look at its folds.

Pure functions of arrays whose last axis is the variants of a study; simulations put studies on the axes before it.

References
----------
- S. Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979.
- Y. Ye, A. Li, L. Liu and B. Yao, A group sequential Holm procedure with multiple primary endpoints, Statistics in
  Medicine 32, 2013.
- D. J. Spiegelhalter, L. S. Freedman and P. R. Blackburn, Monitoring clinical trials: conditional or predictive power?,
  Controlled Clinical Trials 7, 1986.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from plb_ablate.statistics.equivalence import ROPE
from plb_ablate.statistics.paired_test import Floats

__all__ = ["EQUIVALENT", "FUTILE", "OPEN", "RACING", "SHOWN", "Evidence", "Levels", "decide", "decision_chance"]

RACING, SHOWN, EQUIVALENT, FUTILE, OPEN = "racing", "shown", "equivalent", "futile", "open"
"""A variant stays in the race; differs from the reference; does not; cannot be decided any more; was not decided."""

Words = NDArray[np.str_]

Counts = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Differences of every variant at one look, and what is planned to follow; every array has shape (..., m).

    Parameters
    ----------
    mean, se, df : float64
        Mean difference, its corrected standard error and degrees of freedom.
    testable : bool
        Whether the spread is known well enough for a test.
    last_se, last_df : float64
        Standard error and degrees of freedom of the last planned look, if the spread stays as it is.
    """

    mean: Floats
    se: Floats
    df: Floats
    testable: NDArray[np.bool_]
    last_se: Floats
    last_df: Floats

    @property
    def p(self) -> Floats:
        """Two-sided p-values against no difference; NaN without a test."""
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * special.stdtr(self.df, -np.abs(self.mean) / self.se)
        return np.where(self.testable, p, np.nan)

    def p_different(self, rope: float = ROPE) -> Floats:
        """Posterior probability of a difference beyond `rope` (`bayesian_correlated_t`); NaN without a test."""
        with np.errstate(divide="ignore", invalid="ignore"):
            outside = [special.stdtr(self.df, (-rope + sign * self.mean) / self.se) for sign in (1, -1)]
        return np.where(self.testable, sum(outside), np.nan)


@dataclass(frozen=True, eq=False)
class Levels:
    """Levels of a look; `difference` has shape (m, n), or (1, n) if they are those of every variant.

    Row v, column j of `difference` is the level of variant v while j of the n variants of the study are shown: that of
    ``alpha / (n - j)``, as in Holm's method. `equivalence`, shape (m,) or (1,), is the level of the whole alpha.
    """

    difference: Floats
    equivalence: Floats

    def at(self, shown: Counts) -> Floats:
        """Return the levels of all variants, shape (..., m), while `shown`, shape (...), of them are shown."""
        place = np.minimum(shown, self.difference.shape[-1] - 1)
        return np.moveaxis(np.take(self.difference, place, axis=-1), 0, -1)


def decide(
    evidence: Evidence,
    now: Levels,
    last: Levels | None,
    racing: NDArray[np.bool_],
    shown: Counts,
    futility: float,
    rope: float = ROPE,
) -> tuple[Words, Counts]:
    """Decide which variants leave a race at a look.

    A variant is shown if its p-value is at most its level; then the levels of all others rise, and they are looked at
    once more. It is equivalent if the posterior probability of a difference beyond `rope` is at most its level. It is
    futile if `decision_chance` is below `futility`. That a futile variant leaves never raises the error of the others.

    Parameters
    ----------
    evidence : Evidence
    now, last : Levels
        Of this look, and of the last planned one; None if this look is the last.
    racing : bool (..., m)
        Variants that are still in the race.
    shown : int (...)
        Number of variants shown at earlier looks.
    futility : float
        Smallest chance with which a variant stays in the race; 0 for none.
    rope : float
        Half-width of the region of practical equivalence.

    Returns
    -------
    outcome : str (..., m)
        `RACING`, `SHOWN`, `EQUIVALENT`, `FUTILE`, or at the last look `OPEN`.
    others : int (..., m)
        Number of other variants that were shown when each was decided, which gives its level.
    """
    p = evidence.p
    found = np.zeros(racing.shape, dtype=bool)
    others = np.broadcast_to(shown[..., None], racing.shape)
    while True:
        more = racing & ~found & (p <= now.at(shown))
        others = np.where(found, others, shown[..., None])
        if not more.any():
            break
        found |= more
        shown = shown + more.sum(axis=-1)
    outcome = np.full(racing.shape, RACING if last else OPEN, dtype="<U10")
    if last:
        outcome[decision_chance(evidence, last, shown, rope) < futility] = FUTILE
    outcome[evidence.p_different(rope) <= now.equivalence] = EQUIVALENT
    outcome[found] = SHOWN
    return outcome, others


def decision_chance(evidence: Evidence, last: Levels, shown: Counts, rope: float = ROPE) -> Floats:
    """Return the chance that the last planned look decides each variant, shown or equivalent, given the looks so far.

    Without prior knowledge, the mean of the last look is distributed about the present one with the variance that the
    remaining trainings take away (predictive power); a Student distribution allows for a spread seen on few folds.

    Returns
    -------
    float64 (..., m)
        NaN if nothing varied so far.
    """
    width = np.sqrt(np.maximum(evidence.se**2 - evidence.last_se**2, 1e-24))
    edge = -special.stdtrit(evidence.last_df, last.at(shown) / 2) * evidence.last_se
    inner = rope + special.stdtrit(evidence.last_df, last.equivalence) * evidence.last_se

    def below(z: Floats) -> Floats:
        return np.asarray(special.stdtr(evidence.df, (z - evidence.mean) / width))

    differs = below(-edge) + 1 - below(edge)
    alike = np.where(inner > 0, below(np.minimum(inner, edge)) - below(-np.minimum(inner, edge)), 0.0)
    return np.where(evidence.se > 0, differs + alike, np.nan)
