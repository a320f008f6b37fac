"""Repeated looks at accumulating data: error spending, levels of every look, and an estimate that allows for them.

Statistics of successive looks are those of a Brownian motion at times in (0, 1]: the share of the planned trainings
that is done. A Z-value of a look is its value there over the square root of its time. Probabilities of crossing are
computed by recursion over the looks, each integral by Gauss-Legendre quadrature.

References
----------
- K. K. G. Lan and D. L. DeMets, Discrete Sequential Boundaries for Clinical Trials, Biometrika 70, 1983.
- P. C. O'Brien and T. R. Fleming, A Multiple Testing Procedure for Clinical Trials, Biometrics 35, 1979.
- P. Armitage, C. K. McPherson and B. C. Rowe, Repeated Significance Tests on Accumulating Data, JRSS A 132, 1969.
- C. Jennison and B. W. Turnbull, Group Sequential Methods with Applications to Clinical Trials, 2000.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import optimize, special

from plb_ablate.core.errors import PairingError
from plb_ablate.statistics.paired_test import Floats

__all__ = ["look_levels", "median_unbiased", "spent_alpha"]

_FARTHEST = 8.2
"""Largest Z-value considered; beyond it lies less than 3e-16, which float64 cannot tell from nothing."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(192)


def spent_alpha(alpha: float, times: float | Sequence[float] | Floats) -> Floats:
    """Return the error that may be spent up to some times: Lan and DeMets' spending function of O'Brien-Fleming type.

    The function is ``4 (1 - Phi(z / sqrt(t)))`` with ``z`` the upper ``alpha / 4`` quantile: ``alpha / 2`` a side.

    Parameters
    ----------
    alpha : float
        Two-sided error of all looks together, in (0, 1).
    times : float or array of shape (k,)
        Shares of the information, in (0, 1].

    Returns
    -------
    float64 of the shape of `times`

    Raises
    ------
    PairingError
        If `alpha` or a time is out of range.
    """
    shares = np.asarray(times, dtype=np.float64)
    if not 0 < alpha < 1 or not ((shares > 0) & (shares <= 1)).all():
        raise PairingError(
            f"alpha={alpha} must be between 0 and 1, and times {np.array2string(shares)} above 0 and at most 1."
        )
    return np.asarray(4 * special.ndtr(special.ndtri(alpha / 4) / np.sqrt(shares)))


@lru_cache(maxsize=4096)
def look_levels(alpha: float, times: tuple[float, ...]) -> tuple[float, ...]:
    """Return the two-sided p-value at or below which each look shows a difference.

    A p-value of any test may be held against them; for t-tests Jennison and Turnbull (section 4.4) find that the error
    of all looks stays close to `alpha`. Where the tests of successive looks are more alike than those of independent
    increments, as the corrected t-test's are, it is smaller.

    Parameters
    ----------
    alpha : float
        Error of all looks together, in (0, 1).
    times : tuple of float
        Increasing shares of the information at the looks, in (0, 1].

    Returns
    -------
    tuple of float
        One for each time.

    Raises
    ------
    PairingError
        If a value is out of range, or the times do not increase.
    """
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise PairingError(f"The times of looks must increase, but they are {', '.join(map(str, times))}.")
    due = np.diff(spent_alpha(alpha, times), prepend=0.0)
    motion = _Motion(0.0)
    bounds = []
    for time, error in zip(times, due, strict=True):
        motion.advance(time)
        bounds.append(_FARTHEST if error <= motion.beyond(_FARTHEST) else motion.bound(float(error)))
        motion.stop(bounds[-1])
    return tuple(float(2 * special.ndtr(-bound)) for bound in bounds)


def median_unbiased(mean: float, se: float, levels: Sequence[float], times: Sequence[float]) -> float:
    """Return the difference under which a study that stops at its last look goes at least as far in half of all cases.

    The mean of a study that stopped because it showed a difference is biased away from zero. This estimate is not: it
    orders outcomes stage by stage (Jennison and Turnbull, section 8.4), an earlier crossing being farther from zero
    than any later one. Stops for other reasons do not enter it.

    Parameters
    ----------
    mean, se : float
        Difference at the last look and its standard error.
    levels : sequence of float, shape (k,)
        Levels of all looks (`look_levels`); the last is not used.
    times : sequence of float, shape (k,)
        Times of all looks.

    Returns
    -------
    float
        In the unit of `mean`; NaN without a standard error.
    """
    if not se > 0:
        return float("nan")
    bounds = [-float(special.ndtri(level / 2)) for level in levels[:-1]]
    scale = se * np.sqrt(times[-1])  # a difference over this is the drift of the motion

    def excess(drift: float) -> float:
        motion, above = _Motion(drift), 0.0
        for time, bound in zip(times, [*bounds, 0.0], strict=True):
            motion.advance(time)
            if time == times[-1]:
                return above + motion.above(mean / se) - 0.5
            above += motion.above(bound)
            motion.stop(bound)
        raise AssertionError("unreachable")

    middle = mean / scale
    width = 1.0
    while excess(middle - width) > 0 or excess(middle + width) < 0:
        width *= 2
    return float(scale * optimize.brentq(excess, middle - width, middle + width, xtol=1e-10))


class _Motion:
    """A Brownian motion with drift that is observed at looks, and absorbed beyond a bound at each."""

    def __init__(self, drift: float) -> None:
        self.drift, self.time, self._last = drift, 0.0, 0.0
        self._places, self._masses = np.zeros(1), np.ones(1)

    def advance(self, time: float) -> None:
        """Go to the next look."""
        self._last, self.time = self.time, time

    def above(self, z: float) -> float:
        """Return the probability to be at or above a Z-value at this look, not absorbed before."""
        return float(self._masses @ special.ndtr(-self._standard(z)))

    def beyond(self, z: float) -> float:
        """Return the probability to be at `z` or farther from zero, on either side."""
        return self.above(z) + float(self._masses @ special.ndtr(self._standard(-z)))

    def bound(self, error: float) -> float:
        """Return the Z-value beyond which lies this probability."""
        return float(optimize.brentq(lambda z: self.beyond(z) - error, 0.0, _FARTHEST, xtol=1e-12))

    def stop(self, bound: float) -> None:
        """Absorb what is beyond the bound."""
        edge = bound * np.sqrt(self.time)
        places = edge * _NODES
        step = np.sqrt(self.time - self._last)
        moved = (places[:, None] - self._places - self.drift * (self.time - self._last)) / step
        density = np.exp(-0.5 * moved**2) / (step * np.sqrt(2 * np.pi))
        self._places, self._masses = places, edge * _WEIGHTS * (density @ self._masses)

    def _standard(self, z: float) -> Floats:
        """Return the standardised steps from every place to `z` at this look."""
        gone = self.time - self._last
        steps: Floats = (z * np.sqrt(self.time) - self._places - self.drift * gone) / np.sqrt(gone)
        return steps
