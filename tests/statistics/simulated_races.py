"""Simulated studies of five variants, ten folds and one seed, raced and trained in full: the table of docs/racing.md.

Differences of a fold are normal, with the covariance between variants that the published RAVDESS folds have. Two folds
correlate by 0.1, which the corrected test assumes of ten equal folds, or by nothing. Every study gives the true
differences to the variants in an order of its own, so that none of them always has the narrowest spread.
"""

from dataclasses import dataclass

import numpy as np

from plb_ablate.published import tables as published
from plb_ablate.statistics.group_sequential import look_levels
from plb_ablate.statistics.paired_test import FEWEST_FOLDS, Floats
from plb_ablate.statistics.race_standing import FEWEST_TO_FORECAST
from plb_ablate.statistics.sequential_decisions import RACING, SHOWN, Evidence, Levels, decide

ALPHA, FUTILITY = 0.05, 0.05
FOLDS, RATIO = 10, 1 / 9
EFFECTS = (0, 1, 3, 8, 18)
"""In points."""

ORDER = ("cbam", "spa_published", "sa", "dwscnn", "routing")
"""The variants in the order of their published differences, which are close to `EFFECTS`."""


@dataclass
class Simulated:
    """What came of the studies; `shown` and `in_full` have shape (studies, variants), `share` is of all trainings."""

    shown: np.ndarray
    in_full: np.ndarray
    left: np.ndarray
    share: float

    @property
    def any_shown(self) -> float:
        return float(self.shown.any(axis=1).mean())

    @property
    def lost(self) -> Floats:
        """Power of the full study minus that of the race, in points, of each variant."""
        return 100 * (self.in_full.mean(axis=0) - self.shown.mean(axis=0))


def errors(correlation: float, studies: int = 200_000) -> tuple[float, float]:
    """How often one variant without effect is called shown: by any look at its folds, and by the test of all folds."""
    rng = np.random.default_rng(11)
    noise = np.sqrt(correlation) * rng.normal(size=(studies, 1, 1))
    noise = noise + np.sqrt(1 - correlation) * rng.normal(size=(studies, FOLDS, 1))
    levels = _levels(1)
    looks = [_evidence(noise[:, :k]).p <= levels[k].at(np.zeros(1, dtype=int)) for k in range(FEWEST_FOLDS, FOLDS + 1)]
    return float(np.any(looks, axis=0).mean()), float((_evidence(noise).p <= ALPHA).mean())


def spread() -> Floats:
    """Covariance of the published differences, in points."""
    whole = published.fold_scores("ravdess", "none")
    return np.cov([100 * (whole - published.fold_scores("ravdess", name)) for name in ORDER])


def simulate(
    effects: tuple[float, ...], *, studies: int = 2000, correlation: float = 0.1, seed: int = 7, shuffled: bool = True
) -> Simulated:
    """Draw studies with these differences, in points, hold their races, and test them in full."""
    rng, m = np.random.default_rng(seed), len(effects)
    common, own = rng.normal(size=(studies, 1, m)), rng.normal(size=(studies, FOLDS, m))
    noise = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    noise = noise @ np.linalg.cholesky(spread()).T
    if shuffled:
        order = rng.permuted(np.tile(np.arange(m), (studies, 1)), axis=1)
        noise = np.take_along_axis(noise, order[:, None], axis=2)
    drawn = (noise + effects) / 100
    levels = _levels(m)
    shown, left = np.zeros((studies, m), dtype=bool), np.zeros((studies, m), dtype=int)
    for k in range(FEWEST_TO_FORECAST, FOLDS + 1):
        outcome, _ = decide(
            _evidence(drawn[:, :k]),
            levels[k],
            levels[FOLDS] if k < FOLDS else None,
            left == 0,
            shown.sum(axis=1),
            FUTILITY,
        )
        leaves = (left == 0) & (outcome != RACING)
        shown |= leaves & (outcome == SHOWN)
        left[leaves] = k
    return Simulated(
        shown, _in_full(drawn), left, float((left.sum(axis=1) + left.max(axis=1)).mean() / FOLDS / (m + 1))
    )


def _evidence(d: Floats) -> Evidence:
    k = d.shape[1]
    mean, s, shape = d.mean(axis=1), d.std(axis=1, ddof=1), (d.shape[0], d.shape[2])
    every = np.full(shape, k >= FEWEST_FOLDS)
    last = s * np.sqrt(1 / FOLDS + RATIO)
    return Evidence(mean, s * np.sqrt(1 / k + RATIO), np.full(shape, k - 1.0), every, last, np.full(shape, FOLDS - 1.0))


def _levels(m: int) -> dict[int, Levels]:
    """Levels by the number of folds."""
    times = tuple(k / FOLDS for k in range(FEWEST_FOLDS, FOLDS + 1))
    by_share = np.array([look_levels(ALPHA / (m - j), times) for j in range(m)])
    whole = look_levels(ALPHA, times)
    nothing = {k: Levels(np.full((1, m), np.nan), np.full(1, np.nan)) for k in range(FEWEST_FOLDS)}
    return nothing | {
        k: Levels(by_share[None, :, i], np.array([whole[i]])) for i, k in enumerate(range(FEWEST_FOLDS, FOLDS + 1))
    }


def _in_full(d: Floats) -> np.ndarray:
    """Which variants the corrected test of all folds shows, after Holm."""
    p = _evidence(d).p
    order = np.argsort(p, axis=1)
    steps = np.take_along_axis(p, order, axis=1) * np.arange(p.shape[1], 0, -1)
    corrected = np.empty_like(p)
    np.put_along_axis(corrected, order, np.maximum.accumulate(steps, axis=1), axis=1)
    return corrected < ALPHA


def table() -> str:
    """The table of docs/racing.md, and below it the errors of one variant."""
    lines = [
        "| true Δ of the five variants, in points | trainings | any shown | shown by the race | by the full study |"
    ]
    lines.append("|---|---|---|---|---|")
    for words, effects, options in (
        ("0 (no effect)", (0,) * 5, (0.1, True)),
        ("0, folds independent", (0,) * 5, (0.0, True)),
        ("0, 1, 3, 8 and 18", EFFECTS, (0.1, True)),
        ("the same, spreads in the published order", EFFECTS, (0.1, False)),
        *((f"{effect} each", (effect,) * 5, (0.1, True)) for effect in EFFECTS[1:]),
    ):
        found = simulate(effects, correlation=options[0], shuffled=options[1])
        rates = [_rates(r, apart=len(set(effects)) > 1) for r in (found.shown, found.in_full)]
        lines.append(f"| {words} | {100 * found.share:.1f} % | {100 * found.any_shown:.1f} % | {' | '.join(rates)} |")
    for correlation in (0.0, 0.1, 0.2):
        any_look, single = (100 * share for share in errors(correlation))
        lines.append(f"folds correlated by {correlation}: any look {any_look:.2f} %, a single test {single:.2f} %")
    return "\n".join(lines)


def _rates(shown: np.ndarray, *, apart: bool) -> str:
    rates = 100 * shown.mean(axis=0) if apart else [100 * shown.mean()]
    return ", ".join(f"{rate:.1f}" for rate in rates) + " %"
