"""What a paired test can find: the minimum detectable effect, and the seeds that would be needed."""

from bisect import bisect_left

from scipy import optimize, stats

from plb_ablate.statistics.paired_test import TTest, standard_error

__all__ = ["MOST_SEEDS", "extra_seeds_needed", "minimal_detectable_delta"]

MOST_SEEDS = 10_000
"""Where `extra_seeds_needed` gives up; the power is flat long before."""


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
        se, df = standard_error(test.between + h * test.within, test.within, test.n_folds, h, test.ratio)
        return se == 0 or _power(abs(test.mean) / se, df, alpha) >= power

    return bisect_left(range(MOST_SEEDS), True, key=enough) if enough(MOST_SEEDS) else None
