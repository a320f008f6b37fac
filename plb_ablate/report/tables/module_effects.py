"""The tables of modules and pairs: effects, interactions, and shares of the whole network's lead over the bare one."""

from collections.abc import Sequence

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.models.family import ModelFamily
from plb_ablate.report.analysis import Analysis, points
from plb_ablate.report.module_effects import ModuleEffects
from plb_ablate.report.tables.accuracy import METRIC_NAMES
from plb_ablate.report.tables.differences import design, p_cell
from plb_ablate.report.tables.model import MISSING, Table, TableCell, number, rounded, text
from plb_ablate.statistics.contrast_tests import Estimate

__all__ = ["effect_table", "interaction_table", "pair_name", "share_table"]

_QUESTIONS = tuple(
    cell for name in ("these trainings", "the method") for cell in (name, "95 % low", "95 % high", "p (Holm)")
)


def pair_name(family: ModelFamily, modules: Sequence[str]) -> str:
    """Return the name of a module, or of a pair of modules, in tables."""
    return " × ".join(map(family.display_name, modules))


def effect_table(analysis: Analysis, found: ModuleEffects) -> Table:
    """Make the table of effects of modules: what each adds on average over the presence of the others."""
    rows = [
        (text(pair_name(found.family, e.contrast.modules)), *_both(e), _equivalent(e), number(e.contrast.averaged))
        for e in found.effects
    ]
    return Table(
        "module_effects",
        f"Effects of the modules: with minus without, in points, mean over the presence of others. {_sample(analysis)}",
        ("Name", *_QUESTIONS, "P(equivalent)", "comparisons"),
        tuple(rows),
        "l" + "r" * 10,
        (
            "Each effect is the mean over all pairs of networks that differ in this module alone (*comparisons*), "
            "computed inside each seed and fold, or for each utterance. p (Holm): corrected for all modules, inside "
            "each question; intervals and tests are those of a difference of two variants.",
        ),
    )


def interaction_table(analysis: Analysis, found: ModuleEffects) -> Table:
    """Make the table of interactions of pairs; pairs that are not estimated have dashes."""
    by_pair = {e.contrast.modules: e for e in found.interactions}
    left_out = [pair for pair in (*found.contrasts.constructed, *found.contrasts.aliased) if pair not in by_pair]
    rows = [
        (text(pair_name(found.family, pair)), *_both(e), *_costs(e), number(e.contrast.averaged))
        for pair, e in by_pair.items()
    ]
    rows += [(text(pair_name(found.family, pair)), *[TableCell(MISSING)] * 12) for pair in left_out]
    return Table(
        "interactions",
        "Interactions of pairs, in points: the cost of removing the first and that of removing the second, minus the "
        f"cost of removing both. {_sample(analysis)}",
        ("Name", *_QUESTIONS, "first alone", "second alone", "both", "comparisons"),
        tuple(rows),
        "l" + "r" * 12,
        (
            "Below 0: together their removal costs more than the two alone; one replaces the other. Above 0: each is "
            "worth more with the other; they need each other. It is the mean over all sets of four networks that "
            "differ in these two modules alone; textbooks halve it. p (Holm): corrected for all pairs, inside each "
            "question. *Alone* and *both*: mean costs for the method.",
            *_not_estimated(found),
        ),
    )


def share_table(analysis: Analysis, found: ModuleEffects) -> Table:
    """Make the table of Shapley values; they add up to the whole minus the bare network, the last row."""
    assert found.distance is not None
    whole = found.distance.comparison.test.mean
    rows = []
    for e in (*found.shares, found.distance):
        name = pair_name(found.family, e.contrast.modules) or "Δ"
        values = [*_here(e)[:3], *_method(e)[:3]]
        rows.append((text(name), *values, rounded(100 * e.comparison.test.mean / whole if whole else None, 0)))
    return Table(
        "shapley",
        f"Shapley shares of the modules in the lead of the whole over the bare network, in points. {_sample(analysis)}",
        ("Name", *_QUESTIONS[:3], *_QUESTIONS[4:7], "share(%)"),
        tuple(rows),
        "lrrrrrrr",
        (
            "Δ: whole minus bare. A share is the mean of the module's effects over all orders in which modules can be "
            "removed; shares add up to Δ. They have intervals and no tests: *whether* a module matters is the question "
            "of its effect.",
        ),
    )


def _sample(analysis: Analysis) -> str:
    rule, metric = analysis.study.primary_metric
    return (
        f"These trainings: true WA over all test predictions; the method: {METRIC_NAMES[metric]}, over "
        f"{design(analysis.study)}; {RULE_LABELS[rule]}."
    )


def _both(e: Estimate) -> tuple[TableCell, ...]:
    return (*_here(e), *_method(e))


def _here(e: Estimate) -> tuple[TableCell, ...]:
    if e.population is None:
        return (TableCell(MISSING),) * 4
    test = e.population.tests["wa"]
    return (*_points(test.mean, *test.ci95), p_cell(e.population.p_holm["wa"]))


def _method(e: Estimate) -> tuple[TableCell, ...]:
    test = e.comparison.test
    return (*_points(test.mean, *test.ci95), p_cell(e.comparison.p_holm))


def _equivalent(e: Estimate) -> TableCell:
    return rounded(e.comparison.posterior.p_equivalent)


def _costs(e: Estimate) -> tuple[TableCell, ...]:
    return _points(*e.removals)


def _points(*values: float) -> tuple[TableCell, ...]:
    return tuple(rounded(points(value), signed=True) for value in values)


def _not_estimated(found: ModuleEffects) -> list[str]:
    reasons = {
        "zero or fixed by construction in these networks": found.contrasts.constructed,
        "cannot be told from another pair's": found.contrasts.aliased,
    }
    named = {why: [pair_name(found.family, pair) for pair in pairs] for why, pairs in reasons.items() if pairs}
    return [f"Not estimated: {', '.join(names)} ({why})." for why, names in named.items()]
