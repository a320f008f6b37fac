"""Races over variants: error, power and trainings in simulated studies, and the decisions of single ones."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from plb_ablate.statistics.group_sequential import look_levels
from plb_ablate.statistics.paired_test import FoldScore
from plb_ablate.statistics.race import Look, hold_race, look_at, may_leave
from plb_ablate.statistics.race_standing import Place, RacePlan
from plb_ablate.statistics.sequential_decisions import RACING
from tests.statistics.simulated_races import EFFECTS, errors, simulate, table

ROUNDS = tuple((42, fold) for fold in range(10))
NOISE = np.random.default_rng(5).normal(0, 0.02, (40, 10)).round(4)


def scores(difference: float, row: int, seeds: int = 1, spread: float = 1.0) -> dict[tuple[int, int], FoldScore]:
    """Scores of a variant that lies below the reference (row 0, difference 0) by about `difference`."""
    return {
        (42 + seed, fold): FoldScore(0.8 - difference + spread * float(NOISE[row + 13 * seed, fold]), 1296, 144)
        for seed in range(seeds)
        for fold in range(10)
    }


def outcomes(looks: Iterable[Look]) -> dict[str, tuple[str, int]]:
    return {
        name: (standing.outcome, look.number)
        for look in looks
        for name, standing in look.standings.items()
        if standing.outcome != "racing"
    }


# ---------------------------------------------------------------------- what the promise is


def test_the_promise_holds_in_simulated_studies() -> None:
    """2,000 studies each; with -s the table of docs/racing.md is printed."""
    nothing, mixed = simulate((0,) * 5), simulate(EFFECTS)
    assert nothing.any_shown <= 0.06
    assert simulate((0,) * 5, correlation=0.0).any_shown <= 0.06
    assert mixed.share <= 0.65
    assert max(mixed.lost) <= 5
    assert mixed.in_full.mean(axis=0)[3] > 0.9, "the full study has power that could be lost"
    for correlation in (0.0, 0.1, 0.2):
        any_look, single = errors(correlation, 20_000)
        assert any_look <= single + 0.01, "looks cost no more than they are paid for"
    print(f"\n{table()}")


def unpaid(alpha: float, times: tuple[float, ...]) -> tuple[float, ...]:
    """The level of a single test, at every look."""
    return (alpha,) * len(times)


def test_looks_at_the_level_of_one_test_would_break_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.statistics.simulated_races.look_levels", unpaid)
    assert simulate((0,) * 5).any_shown > 0.06


# ---------------------------------------------------------------------- single races


def test_a_large_effect_is_shown_a_small_one_futile_and_none_equivalent() -> None:
    variants = {"large": scores(0.2, 1), "small": scores(0.01, 2), "none at all": scores(0, 0, spread=1.02)}
    found = outcomes(hold_race(RacePlan(tuple(variants), ROUNDS), scores(0, 0), variants).looks)
    assert found["large"][0] == "shown"
    assert found["small"][0] == "futile"
    assert found["none at all"][0] == "equivalent"
    assert all(number < 10 for _, number in found.values())


def test_a_gain_is_shown_as_well() -> None:
    looks = hold_race(RacePlan(("gain",), ROUNDS), scores(0, 0), {"gain": scores(-0.2, 1)}).looks
    assert outcomes(looks)["gain"][0] == "shown"
    assert looks[-1].standings["gain"].interval[1] < 0


def test_what_is_shown_frees_its_share_of_the_error_for_the_others() -> None:
    """Holm: the share of a variant is alpha over the number of variants that were not shown before it."""
    variants = {name: scores(d, row) for name, d, row in (("large", 0.3, 1), ("middle", 0.05, 2), ("small", 0.0, 3))}
    looks = hold_race(RacePlan(tuple(variants), ROUNDS, futility=0.0), scores(0, 0), variants).looks
    first = next(look for look in looks if look.standings["large"].outcome == "shown")
    assert first.standings["large"].alpha == pytest.approx(0.05 / 3)
    assert first.standings["small"].alpha >= 0.05 / 2
    times = tuple(k / 10 for k in range(5, 11))
    place = first.number - 5
    assert first.standings["large"].level == pytest.approx(look_levels(0.05 / 3, times)[place])


def test_nothing_is_shown_before_five_folds_and_the_last_look_leaves_nothing_in_the_race() -> None:
    variants = {"large": scores(0.5, 1), "middle": scores(0.02, 2)}
    looks = hold_race(RacePlan(tuple(variants), ROUNDS, futility=0.0), scores(0, 0), variants).looks
    assert all(look.racing == tuple(variants) for look in looks[:4])
    assert math.isnan(looks[3].standings["large"].level)
    assert looks[-1].number == 10
    assert not looks[-1].racing


def test_the_repeated_interval_is_wider_than_that_of_one_look() -> None:
    look = hold_race(RacePlan(("large",), ROUNDS), scores(0, 0), {"large": scores(0.06, 1)}).looks[-1]
    standing = look.standings["large"]
    assert look.number > 5
    assert standing.test is not None
    low, high = standing.test.ci95
    assert standing.interval[0] < low < high < standing.interval[1]
    assert 0 < standing.unbiased < standing.test.mean


def covering(correlation: float, studies: int) -> float:
    """Share of simulated studies of one variant whose repeated intervals, at all looks, contain its difference."""
    rng, plan, truth = np.random.default_rng(3), RacePlan(("x",), ROUNDS), 0.03
    common, own = rng.normal(size=(studies, 1)), rng.normal(size=(studies, len(ROUNDS)))
    drawn = truth + 0.02 * (math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own)
    reference = {place: FoldScore(0.0, 1296, 144) for place in ROUNDS}
    inside = 0
    for row in drawn:
        below = {place: FoldScore(-float(d), 1296, 144) for place, d in zip(ROUNDS, row, strict=True)}
        places = [Place(plan, number, reference, below, "x") for number in range(5, len(ROUNDS) + 1)]
        intervals = [place.standing(RACING, plan.alpha, math.nan).interval for place in places]
        inside += all(low <= truth <= high for low, high in intervals)
    return inside / studies


@pytest.mark.parametrize("correlation", [0.0, 0.1])
def test_the_repeated_intervals_cover_the_difference_at_all_looks_together(correlation: float) -> None:
    """Hence also at the look at which a race stops, whatever stopped it."""
    assert covering(correlation, 1000) >= 0.94  # docs/racing.md: 0.949; standard error here 0.007


def test_intervals_of_single_looks_would_not_cover_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plb_ablate.statistics.race_standing.look_levels", unpaid)
    assert covering(0.1, 1000) < 0.92


def test_a_training_without_a_score_is_no_evidence() -> None:
    """A variant that lacks a fold is looked at with those that it has, at the time that they are worth."""
    variants = {"lacks": {key: score for key, score in scores(0.02, 1).items() if key[1] != 2}}
    looks = hold_race(RacePlan(("lacks",), ROUNDS, futility=0.0), scores(0, 0), variants).looks
    assert looks[4].standings["lacks"].test.n == 4  # type: ignore[union-attr]
    assert looks[4].standings["lacks"].times == ()
    assert looks[5].standings["lacks"].times == (0.5,)
    assert looks[-1].number == 10


def test_a_race_stands_still_at_a_round_that_is_not_whole() -> None:
    variants: Mapping[str, Mapping[tuple[int, int], FoldScore]] = {"a": scores(0.02, 1), "b": scores(0.2, 2)}
    plan = RacePlan(("a", "b"), ROUNDS, futility=0.0)
    stopped = hold_race(plan, scores(0, 0), variants, lambda number, racing: number < 7).looks
    assert [look.number for look in stopped] == [1, 2, 3, 4, 5, 6]
    whole = hold_race(plan, scores(0, 0), variants).looks
    assert [outcomes([a]) for a in stopped] == [outcomes([b]) for b in whole[:6]]


def test_later_scores_do_not_change_a_look() -> None:
    variants = {"a": scores(0.02, 1), "b": scores(0.2, 2)}
    plan = RacePlan(("a", "b"), ROUNDS)
    looks = hold_race(plan, scores(0, 0), variants).looks
    early = {name: {key: s for key, s in by_fold.items() if key[1] < 5} for name, by_fold in variants.items()}
    assert look_at(plan, looks[:4], scores(0, 0), early) == looks[4]


def test_a_variant_that_may_not_leave_stays_whatever_the_others_do() -> None:
    rng = np.random.default_rng(11)
    stays = 0
    for _ in range(40):
        one = scores(float(rng.uniform(0, 0.08)), int(rng.integers(1, 27)), spread=float(rng.uniform(0.5, 2)))
        plan = RacePlan(("one", "other"), ROUNDS)
        for other in (scores(0.0, 30), scores(0.5, 31)):
            variants = {"one": one, "other": other}
            looks = hold_race(plan, scores(0, 0), variants).looks
            for place, look in enumerate(looks):
                if "one" in look.standings and not may_leave(plan, looks[:place], scores(0, 0), {"one": one}, "one"):
                    stays += 1
                    assert look.standings["one"].outcome == "racing"
    assert stays > 100


def test_seeds_on_the_same_folds_go_on_with_the_race() -> None:
    rounds = tuple((42 + seed, fold) for seed in range(2) for fold in range(10))
    variants = {"a": scores(0.03, 1, seeds=2, spread=2)}
    looks = hold_race(RacePlan(("a",), rounds, futility=0.0), scores(0, 0, seeds=2), variants).looks
    assert looks[-1].number > 10
    assert looks[10].standings["a"].test.n_folds == 10  # type: ignore[union-attr]
    assert looks[10].standings["a"].test.n == 11  # type: ignore[union-attr]


def test_a_race_counts_its_trainings() -> None:
    variants = {"large": scores(0.2, 1), "middle": scores(0.05, 2)}
    race = hold_race(RacePlan(tuple(variants), ROUNDS), scores(0, 0), variants)
    assert not race.racing
    numbers = {name: number for name, (number, _) in race.decided.items()}
    assert race.planned == 30
    assert race.trainings == sum(numbers.values()) + max(numbers.values())
    assert race.saved == 30 - race.trainings
    assert hold_race(RacePlan(("a",), ROUNDS), {}, {}, lambda *_: False).saved == 0
