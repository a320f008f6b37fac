"""Where the largest and the smallest of further folds would lie."""

import math
from functools import cache

import numpy as np
from scipy import optimize, stats

from plb_ablate.statistics.summary import wa_summary

Interval = tuple[float, float]

__all__ = ["extreme_interval"]


def extreme_interval(scores: list[float], n: int) -> Interval:
    """Give the 95 % prediction interval for the largest of `n` further scores like these, taken to be normal.

    The smallest one's is its mirror image about the mean.
    """
    found, (low, high) = wa_summary(scores), _extreme_quantiles(len(scores), n)
    return found.mean + found.std * low, found.mean + found.std * high


@cache
def _extreme_quantiles(seen: int, n: int) -> Interval:
    """Give both ends for a mean of 0 and a standard deviation of 1 that were estimated from `seen` scores.

    The chance that all of `n` further scores stay below is averaged over what the estimates may have missed by.
    """
    chances = (np.arange(200) + 0.5) / 200
    mean = stats.norm.ppf(chances)[:, None] / math.sqrt(seen)
    std = np.sqrt(stats.chi2.ppf(chances, seen - 1) / (seen - 1))[None, :]

    def below(k: float, p: float) -> float:
        return float(np.mean(stats.norm.cdf(mean + k * std) ** n) - p)

    low, high = (float(optimize.brentq(below, -50, 50, (p,))) for p in (0.025, 0.975))
    return low, high
