"""A race in words and as a record: what the console, ``status`` and the ledger say of it."""

import math
from collections.abc import Mapping
from typing import Any

from plb_ablate.report.analysis import points
from plb_ablate.statistics.race import Look, Race
from plb_ablate.statistics.race_standing import Standing
from plb_ablate.statistics.sequential_decisions import FUTILE, OPEN, RACING

__all__ = ["RACE_COLUMNS", "look_lines", "race_record", "race_rows", "race_summary"]

RACE_COLUMNS = ("variant", "folds", "Δ, points", "repeated 95 %", "chance", "race")
"""Columns of `race_rows`."""


def look_lines(name: str, race: Race, look: Look, *, left_only: bool = False) -> list[str]:
    """Describe a look: one line for each variant that left, and one for those that stay, unless `left_only`."""
    total, head = len(race.plan.rounds), f"race {name}, round {look.number}/{len(race.plan.rounds)}"
    lines = [
        f"{head}: {variant} {decided(s.outcome, look.number, total)}, {difference(s)}"
        for variant, s in look.standings.items()
        if s.outcome != RACING
    ]
    staying = [f"{variant} {difference(s)}{_chance(s)}" for variant, s in look.standings.items() if s.outcome == RACING]
    if staying and not left_only and not math.isnan(look.standings[look.racing[0]].chance):
        lines.append(f"{head}: {'; '.join(staying)}")
    return lines


def decided(outcome: str, number: int, total: int) -> str:
    """Return for example ``shown, decided at 4/10``; for what stays open or futile, what that means."""
    meaning = {FUTILE: "futile (it could not be decided any more)", OPEN: "open (no round is left)"}
    return f"{meaning.get(outcome, outcome)}, decided at {number}/{total}"


def difference(standing: Standing) -> str:
    """Return the difference in points with its repeated interval."""
    if standing.test is None:
        return "no Δ yet"
    low, high = (points(end) for end in standing.interval)
    interval = "" if math.isnan(low) else f" (95 % {low:+z.2f} to {high:+z.2f})"
    return f"Δ {points(standing.test.mean):+z.2f} points{interval}"


def _chance(standing: Standing) -> str:
    return "" if math.isnan(standing.chance) else f", chance to be decided {100 * standing.chance:.0f} %"


def race_summary(record: Mapping[str, Any]) -> str:
    """Describe how far a race is, and what it saves; `record` is from `race_record`."""
    decided = sum(standing["outcome"] != RACING for standing in record["standings"].values())
    return (
        f"race {record['dataset']}: {record['looks']} of {len(record['rounds'])} rounds, {decided} of "
        f"{len(record['variants'])} variants decided, {record['saved']} of {record['planned']} trainings saved so far."
    )


def race_rows(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row of `RACE_COLUMNS` for each variant of a race; `record` is from `race_record`."""
    rows: list[tuple[str, ...]] = []
    for variant in record["variants"]:
        standing = record["standings"].get(variant, {"outcome": RACING, "at": 0})
        delta, low, high, chance = (standing.get(name) for name in ("delta", "low", "high", "chance"))
        difference = "" if delta is None else f"{points(delta):+z.2f}"
        interval = "" if low is None else f"{points(low):+z.2f} to {points(high):+z.2f}"
        forecast = "" if chance is None else f"{100 * chance:.0f} %"
        folds = f"{standing['at']}/{len(record['rounds'])}"
        rows.append((variant, folds, difference, interval, forecast, standing["outcome"]))
    return rows


def race_record(name: str, race: Race) -> dict[str, Any]:
    """Describe a race as plain values, for `plb_ablate.ledger.race_records`."""
    variants = {variant: _standing(*found, len(race.plan.rounds)) for variant, found in race.standings.items()}
    return {
        "dataset": name,
        "variants": list(race.plan.variants),
        "rounds": [list(place) for place in race.plan.rounds],
        "futility": race.plan.futility,
        "looks": len(race.looks),
        "trainings": race.trainings,
        "planned": race.planned,
        "saved": race.saved,
        "left": dict(race.left),
        "standings": variants,
    }


def _standing(number: int, standing: Standing, total: int) -> dict[str, Any]:
    values = {"delta": standing.test.mean if standing.test else math.nan}
    values |= {"low": standing.interval[0], "high": standing.interval[1]}
    values |= {name: getattr(standing, name) for name in ("p", "level", "alpha", "spent", "chance")}
    plain = {name: None if math.isnan(value) else value for name, value in values.items()}
    return {"outcome": standing.outcome, "at": number, "of": total} | plain
