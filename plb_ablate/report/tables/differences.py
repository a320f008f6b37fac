"""The table of differences from the proposed model: the method, trained again."""

import math

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.report.analysis import Analysis, points
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import METRIC_NAMES
from plb_ablate.report.tables.model import MISSING, Table, TableCell, number, rounded, text
from plb_ablate.statistics.comparison import Comparison
from plb_ablate.statistics.equivalence import ROPE
from plb_ablate.statistics.power import MOST_SEEDS

__all__ = ["comparison_table", "design", "p_cell"]


_HEADER = (
    "Name",
    "Δ",
    "95 % low",
    "95 % high",
    "p",
    "p (Holm)",
    "P(costs)",
    "P(equivalent)",
    "P(gains)",
    "minimum detectable Δ",
    "additional seeds",
)


def p_cell(p: float) -> TableCell:
    """Make a table cell of a p-value: two significant digits, at most four decimals."""
    if math.isnan(p):
        return TableCell(MISSING)
    if p < 0.0001:
        return TableCell("< 0.0001", p)
    digits = next((d for d in (2, 3) if p >= 10.0 ** (1 - d)), 4)
    return TableCell(f"{p:.{digits}f}", p)


def comparison_table(analysis: Analysis) -> Table:
    """Make the table of differences of the method: what training again would give, from folds and seeds.

    A comparison without a test has dashes, and its reason is below the table.
    """
    study = analysis.study
    rule, metric = study.primary_metric
    rows = [(text(study.display_name(name)), *_numbers(c)) for name, c in analysis.primary_comparisons.items()]
    rows += [(text(study.display_name(name)), *[TableCell(MISSING)] * 10) for name in analysis.not_compared]
    return Table(
        "differences",
        f"The method, trained again: proposed minus variant in points of {METRIC_NAMES[metric]}, {RULE_LABELS[rule]}, "
        f"paired over {design(study)}.",
        _HEADER,
        tuple(rows),
        "lrrrrrrrrrr",
        (
            "p: Nadeau-Bengio corrected t-test with the actual test and training sizes; p (Holm): corrected for all "
            f"variants of the table. P: Bayesian correlated t-test; equivalent means within ±{100 * ROPE:g} point. "
            "Minimum detectable Δ: the smallest true Δ that this study finds with 80 % power. Additional seeds: number "
            "needed for 80 % power at the observed Δ (a lower bound if there is only one seed; a dash means more than "
            f"{MOST_SEEDS:,}, so that more or other recordings are needed).",
            *_without_test(analysis),
        ),
    )


def design(study: Study) -> str:
    """Describe the folds, utterances and seeds of a study in a few words."""
    seeds = f"{len(study.seeds)} seed" + "s" * (len(study.seeds) > 1)
    corpus = f" of {study.n_utterances:,} utterances" if study.n_utterances else ""
    return f"{study.n_folds} folds{corpus}, {seeds}"


def _without_test(analysis: Analysis) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for name, c in analysis.primary_comparisons.items():
        if c.test.untestable:
            reasons.setdefault(c.test.untestable, []).append(analysis.study.display_name(name))
    return [f"No test for {', '.join(names)}: {why}." for why, names in reasons.items()]


def _numbers(c: Comparison) -> tuple[TableCell, ...]:
    low, high = c.test.ci95
    chances = (c.posterior.p_costs, c.posterior.p_equivalent, c.posterior.p_gains)
    return (
        *(rounded(points(value), signed=True) for value in (c.test.mean, low, high)),
        p_cell(c.test.p),
        p_cell(c.p_holm),
        *map(rounded, chances),
        rounded(points(c.minimal_delta)),
        number(c.extra_seeds),
    )
