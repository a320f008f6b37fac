"""A race over variants: what is planned, and where each variant stands after a round."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from plb_ablate.statistics.equivalence import ROPE
from plb_ablate.statistics.group_sequential import look_levels, median_unbiased, spent_alpha
from plb_ablate.statistics.paired_test import FEWEST_FOLDS, FoldScore, TTest, nadeau_bengio, pair, standard_error
from plb_ablate.statistics.sequential_decisions import Evidence, Levels

__all__ = ["FEWEST_TO_FORECAST", "Place", "RacePlan", "Round", "Scores", "Standing", "evidence_and_levels"]

FEWEST_TO_FORECAST = 3
"""Fewest folds from which the chance to decide a variant is forecast; it is no test, and shows nothing."""

Round = tuple[int, int]
"""Seed and fold."""

Scores = Mapping[Round, FoldScore]


@dataclass(frozen=True)
class RacePlan:
    """What a race is held over.

    Parameters
    ----------
    variants : tuple of str
        All variants that are compared with the reference; levels are shared among them by Holm's method.
    rounds : tuple of (seed, fold)
        All planned rounds, in their order.
    futility : float
        Smallest chance to be decided with which a variant stays.
    alpha : float
        Error over all looks and variants.
    rope : float
        Half-width of the region of practical equivalence.
    """

    variants: tuple[str, ...]
    rounds: tuple[Round, ...]
    futility: float = 0.05
    alpha: float = 0.05
    rope: float = ROPE

    @cached_property
    def n_seeds(self) -> int:
        """Number of seeds."""
        return len({seed for seed, _ in self.rounds})

    @cached_property
    def n_folds(self) -> int:
        """Number of folds."""
        return len({fold for _, fold in self.rounds})


@dataclass(frozen=True)
class Standing:
    """Where a variant stands after a round.

    Parameters
    ----------
    outcome : str
        `RACING`, or why it leaves: `SHOWN`, `EQUIVALENT`, `FUTILE`, or `OPEN` after the last round.
    test : TTest, optional
        Its corrected test; None with fewer than two folds.
    p, level : float
        p-value, and the level at or below which it is shown at this look; NaN without a test.
    alpha, spent : float
        Its share of the error after Holm, and how much of it is spent.
    interval : (float, float)
        Repeated confidence interval: all those of a variant together cover its difference with 95 %; NaN without a
        test.
    chance : float
        Chance that the remaining rounds decide it; 1 for a decided one, NaN if unknown.
    times : tuple of float
        Shares of the planned trainings at its looks so far.
    """

    outcome: str
    test: TTest | None
    p: float
    level: float
    alpha: float
    spent: float
    interval: tuple[float, float]
    chance: float
    times: tuple[float, ...]

    @cached_property
    def unbiased(self) -> float:
        """Median-unbiased estimate of the difference (`median_unbiased`); NaN without a test."""
        if self.test is None or self.test.untestable:
            return math.nan
        z = -float(special.ndtri(max(self.test.p, 1e-300) / 2))
        levels = look_levels(self.alpha, self.times)
        return median_unbiased(self.test.mean, abs(self.test.mean) / z, levels, self.times) if z else self.test.mean


class Place:
    """The evidence on one variant after a round, and the levels of its looks."""

    def __init__(self, plan: RacePlan, number: int, reference: Scores, scores: Scores, name: str) -> None:
        self.plan = plan
        done = [place for place in plan.rounds[:number] if place in reference and place in scores]
        trained = [*done, *plan.rounds[number:]]  # if nothing else fails
        looks = [n for n in range(1, len(trained) + 1) if len({fold for _, fold in trained[:n]}) >= FEWEST_FOLDS]
        self.times = tuple(n / len(plan.rounds) for n in looks)
        self.past = tuple(n / len(plan.rounds) for n in looks if n <= len(done))
        self.test: TTest | None = None
        if len({fold for _, fold in done}) > 1:
            pairs = pair({key: reference[key] for key in done}, {key: scores[key] for key in done}, name)
            self.test = nadeau_bengio(pairs.differences, pairs.n_train, pairs.n_test, pairs.folds)
            self.last_se, self.last_df = self._last(self.test, [fold for _, fold in trained])

    @property
    def evidence(self) -> tuple[float, ...]:
        """The arguments of `Evidence` for this variant."""
        test = self.test
        if test is None or test.n_folds < FEWEST_TO_FORECAST:
            return math.nan, math.nan, math.nan, False, math.nan, math.nan
        return test.mean, test.se, test.df, not test.untestable, self.last_se, self.last_df

    def levels(self, alpha: float) -> tuple[float, float]:
        """Return the levels of this look and of the last one; NaN where there is no test."""
        if not self.times:
            return math.nan, math.nan
        levels = look_levels(alpha, self.times)
        return levels[len(self.past) - 1] if self.past else math.nan, levels[-1]

    def standing(self, outcome: str, alpha: float, chance: float) -> Standing:
        """Return where the variant stands with its share of the error."""
        test, level = self.test, self.levels(alpha)[0]
        if test is None or test.untestable:
            nothing = (math.nan, math.nan)
            return Standing(outcome, test, math.nan, level, alpha, 0.0, nothing, chance, ())
        half = -float(special.stdtrit(test.df, self.levels(self.plan.alpha)[0] / 2)) * test.se
        spent = float(spent_alpha(alpha, self.past[-1]))
        interval = test.mean - half, test.mean + half
        return Standing(outcome, test, test.p, level, alpha, spent, interval, chance, self.past)

    @staticmethod
    def _last(test: TTest, folds: Sequence[int]) -> tuple[float, float]:
        """Return the standard error and degrees of freedom after trainings of these folds, with the spread seen now."""
        repeats = np.unique(folds, return_counts=True)[1]
        h = float(np.mean(1 / repeats))
        return standard_error(test.between + h * test.within, test.within, repeats.size, h, test.ratio)


def evidence_and_levels(plan: RacePlan, places: Iterable[Place], number: int) -> tuple[Evidence, Levels, Levels | None]:
    """Return the evidence on variants, and their levels now and at the last look."""
    places, m = list(places), len(plan.variants)
    mean, se, df, testable, last_se, last_df = np.array([place.evidence for place in places]).T
    evidence = Evidence(mean, se, df, testable.astype(bool), last_se, last_df)
    by_share = np.array([[place.levels(plan.alpha / (m - j)) for j in range(m)] for place in places])
    whole = np.array([place.levels(plan.alpha) for place in places])
    now, last = (Levels(by_share[..., i], whole[..., i]) for i in (0, 1))
    return evidence, now, last if number < len(plan.rounds) else None
