"""The tables of a race: why each variant left it, what it spent, and the levels of the looks."""

import math
from collections.abc import Callable

from plb_ablate.report.analysis import Analysis, points
from plb_ablate.report.tables.differences import comparison_table, p_cell
from plb_ablate.report.tables.model import Table, TableCell, number, rounded, text
from plb_ablate.statistics.group_sequential import look_levels
from plb_ablate.statistics.paired_test import FEWEST_FOLDS
from plb_ablate.statistics.race import Race
from plb_ablate.statistics.race_standing import Standing
from plb_ablate.statistics.sequential_decisions import EQUIVALENT, FUTILE, OPEN, RACING, SHOWN

__all__ = ["BIASED", "DECISIONS", "difference_tables", "looks_table", "race_effect", "race_table", "race_words"]

DECISIONS = {
    SHOWN: "shown",
    EQUIVALENT: "equivalent",
    FUTILE: "futile: it could not be decided any more",
    OPEN: "open: no round is left",
    RACING: "still in the race",
}
"""What a report calls the outcome of a race for a variant."""

BIASED = (
    "A study that stops because its difference is large has, on average, too large a difference: the Δ of a variant "
    "that left early as shown is biased away from zero. The median-unbiased estimate is not."
)
"""What holds for the mean of a study that stopped early."""

_HEADER = (
    "Name",
    "decision",
    "decided at",
    "Δ",
    "repeated 95 % low",
    "repeated 95 % high",
    "median-unbiased Δ",
    "p",
    "level",
    "share of α",
    "spent",
    "chance",
)

Named = Callable[[str], str]


def difference_tables(analysis: Analysis) -> tuple[Table, ...]:
    """Make the tables of differences of the method: of a race, or of all folds."""
    study = analysis.study
    if study.race is None:
        return (comparison_table(analysis),)
    return race_table(study.race, study.display_name), looks_table(study.race, study.display_name)


def race_effect(standing: Standing) -> str:
    """Classify a standing as `plb_ablate.report.analysis.effect` does a comparison."""
    if standing.outcome == SHOWN and standing.test:
        return "costs" if standing.test.mean > 0 else "gains"
    return "equivalent" if standing.outcome == EQUIVALENT else "inconclusive"


def race_table(race: Race, named: Named) -> Table:
    """Make the table of the last look at every variant.

    Parameters
    ----------
    race : Race
    named : callable
        Returns the name of a variant's row.
    """
    rows = [
        (text(named(name)), *_decision(race, name, standing), *_numbers(standing))
        for name, (_, standing) in race.standings.items()
    ]
    return Table(
        "race",
        f"The race: reference minus variant in points, at the look at which each variant left; {len(race.looks)} of "
        f"{len(race.plan.rounds)} rounds, {race.trainings} of {race.planned} trainings.",
        _HEADER,
        tuple(rows),
        "ll" + "r" * (len(_HEADER) - 2),
        (
            "p: Nadeau-Bengio corrected t-test on the rounds so far. A variant is shown if p is at most the level of "
            f"its look: error spending of O'Brien-Fleming type, α = {100 * race.plan.alpha:g} % over all looks and "
            "variants, shared by Holm's method. Spent: the part of its share that its looks have used. Repeated "
            "interval: valid whenever the race stops. Chance: that the remaining rounds decide it; under "
            f"{100 * race.plan.futility:g} % it is futile.",
            BIASED,
        ),
    )


def looks_table(race: Race, named: Named) -> Table:
    """Make the table of all looks: the levels of each, and who left."""
    m, total = len(race.plan.variants), len(race.plan.rounds)
    folds = [len({fold for _, fold in race.plan.rounds[:n]}) for n in range(1, total + 1)]
    looks = [n for n in range(1, total + 1) if folds[n - 1] >= FEWEST_FOLDS]
    times = tuple(n / total for n in looks)
    rows = []
    for look in race.looks:
        seed, fold = race.plan.rounds[look.number - 1]
        levels = [math.nan, math.nan]
        if look.number in looks:
            levels = [look_levels(alpha, times)[looks.index(look.number)] for alpha in _shares(race, m)]
        left = [named(name) for name in look.standings if name not in look.racing]
        who = text(", ".join(left))
        rows.append(
            (
                number(look.number),
                number(seed, "d"),
                number(fold),
                number(len(look.standings)),
                *map(p_cell, levels),
                who,
            )
        )
    return Table(
        "looks",
        "The looks of the race: after each round, the level of a variant while no other is shown, and that of the last "
        "one, and who left.",
        ("look", "seed", "fold", "variants", f"level at α/{m}", "level at α", "left"),
        tuple(rows),
        "rrrrrrl",
        (f"There is no test, and no level, before {FEWEST_FOLDS} folds.",),
    )


def race_words(race: Race, named: Named) -> str:
    """Describe what a race saved, and what it decided."""
    share = 100 * race.trainings / race.planned
    lines = [f"{race.trainings} of {race.planned} trainings ({share:.0f} %).\n"]
    for outcome, title in DECISIONS.items():
        names = [
            f"{named(name)}{_how(race, name, standing)}"
            for name, (_, standing) in race.standings.items()
            if standing.outcome == outcome
        ]
        lines += [f"- **{title.capitalize()}**: {', '.join(names)}."] if names else []
    return "\n".join(lines) + "\n"


def _how(race: Race, name: str, standing: Standing) -> str:
    """Say in brackets in which direction a variant differs, and when it was decided."""
    sign = {"costs": "loss when removed, ", "gains": "gain when removed, "}.get(race_effect(standing), "")
    at = race.decided_at(name)
    return f" ({sign}decided at {at})" if at else ""


def _shares(race: Race, m: int) -> tuple[float, float]:
    return race.plan.alpha / m, race.plan.alpha


def _decision(race: Race, name: str, standing: Standing) -> tuple[TableCell, TableCell]:
    sign = {"costs": " (loss)", "gains": " (gain)"}.get(race_effect(standing), "")
    return text(standing.outcome + sign), text(race.decided_at(name))


def _numbers(standing: Standing) -> tuple[TableCell, ...]:
    mean = standing.test.mean if standing.test else math.nan
    values = (mean, *standing.interval, standing.unbiased)
    return (
        *(rounded(points(value), signed=True) for value in values),
        p_cell(standing.p),
        p_cell(standing.level),
        rounded(standing.alpha, 4),
        rounded(standing.spent, 4),
        rounded(standing.chance),
    )
