"""Prediction intervals for the largest and the smallest score of further folds."""

import math
from functools import cache

import numpy as np
from scipy import optimize, stats

from plb_ablate.statistics.summary import wa_summary

Interval = tuple[float, float]

__all__ = ["extreme_interval"]


def extreme_interval(scores: list[float], n: int) -> Interval:
    """Return the 95 % prediction interval for the largest of `n` further scores, assuming a normal distribution.

    The interval for the smallest score is its mirror image about the mean.
    """
    observed, (low, high) = wa_summary(scores), _extreme_quantiles(len(scores), n)
    return observed.mean + observed.std * low, observed.mean + observed.std * high


@cache
def _extreme_quantiles(seen: int, n: int) -> Interval:
    """Return both ends for a mean of 0 and a standard deviation of 1 that were estimated from `seen` scores.

    The probability that all `n` further scores are below is averaged over the estimation errors of both.
    """
    probabilities = (np.arange(200) + 0.5) / 200
    mean = stats.norm.ppf(probabilities)[:, None] / math.sqrt(seen)
    std = np.sqrt(stats.chi2.ppf(probabilities, seen - 1) / (seen - 1))[None, :]

    def below(k: float, p: float) -> float:
        return float(np.mean(stats.norm.cdf(mean + k * std) ** n) - p)

    low, high = (float(optimize.brentq(below, -50, 50, (p,))) for p in (0.025, 0.975))
    return low, high
