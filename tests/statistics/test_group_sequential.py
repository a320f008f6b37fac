"""Levels of repeated looks, held against published bounds and simulated motions, and the estimate after a stop."""

import numpy as np
import pytest
from scipy import special

from plb_ablate.core.errors import PairingError
from plb_ablate.statistics.group_sequential import look_levels, median_unbiased, spent_alpha

FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)


def motions(times: tuple[float, ...], drift: float = 0.0, n: int = 200_000) -> np.ndarray:
    """Z-values of simulated motions, shape (n, looks)."""
    steps = np.diff(times, prepend=0.0)
    moved = np.random.default_rng(3).normal(size=(n, len(times))) * np.sqrt(steps) + drift * steps
    return moved.cumsum(axis=1) / np.sqrt(times)


def bounds(levels: tuple[float, ...]) -> np.ndarray:
    return -special.ndtri(np.array(levels) / 2)


def test_levels_are_the_published_bounds_of_lan_and_demets() -> None:
    """Jennison and Turnbull, and every program for group-sequential designs, print these for five looks."""
    assert bounds(look_levels(0.05, FIFTHS)) == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=6e-4)


def test_a_single_look_has_the_whole_level() -> None:
    assert look_levels(0.05, (1.0,)) == pytest.approx([0.05])
    assert spent_alpha(0.03, [0.1, 1.0])[1] == pytest.approx(0.03)


@pytest.mark.parametrize("times", [FIFTHS, tuple(k / 30 for k in range(5, 31))], ids=["5 looks", "26 looks"])
def test_motions_without_drift_cross_as_often_as_alpha_says(times: tuple[float, ...]) -> None:
    crossed = (np.abs(motions(times)) >= bounds(look_levels(0.05, times))).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.0015)


def test_levels_do_not_depend_on_later_looks() -> None:
    assert look_levels(0.05, FIFTHS[:3]) == pytest.approx(look_levels(0.05, FIFTHS)[:3])


@pytest.mark.parametrize(("stage", "z"), [(1, 3.6), (2, 3.1), (2, -3.1), (4, 1.2), (4, 2.4)])
def test_under_the_median_unbiased_difference_half_of_all_studies_go_as_far(stage: int, z: float) -> None:
    levels, se = look_levels(0.05, FIFTHS), 0.7
    estimate = median_unbiased(z * se, se, levels[: stage + 1], FIFTHS[: stage + 1])
    drift = estimate / se / np.sqrt(FIFTHS[stage])
    paths, limits = motions(FIFTHS[: stage + 1], drift), bounds(levels)
    over, under = paths[:, :stage] >= limits[:stage], paths[:, :stage] <= -limits[:stage]
    stopped = (over | under).any(axis=1)
    first = np.argmax(over | under, axis=1)
    up_before = over[np.arange(len(paths)), first]
    as_far = np.where(stopped, up_before, paths[:, stage] >= z)
    assert as_far.mean() == pytest.approx(0.5, abs=0.005)


def test_the_estimate_is_nearer_to_zero_than_the_mean_that_stopped_a_study() -> None:
    levels = look_levels(0.05, FIFTHS)
    assert 0 < median_unbiased(3.0, 1.0, levels[:3], FIFTHS[:3]) < 3.0
    assert median_unbiased(3.0, 1.0, levels[:1], FIFTHS[:1]) == pytest.approx(3.0)
    assert np.isnan(median_unbiased(3.0, 0.0, levels[:1], FIFTHS[:1]))


@pytest.mark.parametrize(
    ("alpha", "times", "words"),
    [(0.0, (0.5,), "alpha=0.0"), (0.05, (0.5, 1.5), "times"), (0.05, (0.5, 0.5), "must increase")],
)
def test_impossible_looks_are_refused(alpha: float, times: tuple[float, ...], words: str) -> None:
    with pytest.raises(PairingError, match=words):
        look_levels(alpha, times)
