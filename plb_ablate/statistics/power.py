"""Power of a paired test: the minimum detectable effect, and the number of additional seeds needed."""

import math
from bisect import bisect_left

from scipy import optimize, special

from plb_ablate.statistics.paired_test import TTest, standard_error

__all__ = ["MOST_SEEDS", "extra_seeds_needed", "minimal_detectable_delta"]

MOST_SEEDS = 10_000
"""Largest number that `extra_seeds_needed` considers; the power hardly increases beyond it."""


def _power(effect: float, df: float, alpha: float) -> float:
    """Return the power of a two-sided t-test whose statistic is centred on `effect`, which is not negative.

    The far tail is at most the normal tail at -effect; beyond 5 it is negligible, and scipy can return NaN.
    """
    critical = -special.stdtrit(df, alpha / 2)  # scipy.stats has the same functions, ten times slower
    far = special.nctdtr(df, effect, -critical) if effect < 5 else 0.0
    return float(1 - special.nctdtr(df, effect, critical) + far)


def minimal_detectable_delta(test: TTest, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the smallest true difference that a study with this variance and these folds finds with this power.

    Computed with the noncentral t distribution, at the test's own standard error and degrees of freedom; NaN without a
    test.
    """
    if test.untestable:
        return math.nan
    high = 1.0
    while _power(high, test.df, alpha) < power:
        high *= 2
    return test.se * float(optimize.brentq(lambda effect: _power(effect, test.df, alpha) - power, 0.0, high))


def extra_seeds_needed(test: TTest, *, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Return how many additional seeds (each trains all `test.n_folds` folds once) the observed difference needs.

    The observed mean and variance are taken as true values, so this is for planning and is not evidence.

    Returns
    -------
    int or None
        0 if this study already has the power. None if no number of seeds is enough: the test/train term of the
        correction does not decrease with repetitions, so a small difference needs more or other recordings. With one
        seed the variance between folds cannot be separated from that of retraining; all of it is assumed to decrease,
        so the number is a lower bound. Also None without a test.
    """
    if not test.mean or test.untestable:
        return None

    def enough(extra: int) -> bool:
        h = 1 / (test.n / test.n_folds + extra)
        se, df = standard_error(test.between + h * test.within, test.within, test.n_folds, h, test.ratio)
        return se == 0 or _power(abs(test.mean) / se, df, alpha) >= power

    return bisect_left(range(MOST_SEEDS), True, key=enough) if enough(MOST_SEEDS) else None
