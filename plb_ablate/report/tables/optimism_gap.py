"""The optimism gap: how scores and verdicts depend on the epoch-selection rule."""

from statistics import fmean

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.report.analysis import ALPHA, Analysis, points
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import METRIC_NAMES
from plb_ablate.report.tables.differences import p_cell
from plb_ablate.report.tables.model import MISSING, Table, TableCell, rounded, text

__all__ = ["delta_by_rule_table", "gap_table", "gap_words", "mean_scores"]


def mean_scores(study: Study, ablation: str) -> dict[str, float]:
    """Return a variant's mean score in percent under each rule for which it has all folds."""
    metric = study.primary_metric[1]
    scores = {rule: study.scores(ablation, rule, metric) for rule in study.rules}
    return {rule: 100 * fmean(s.values()) for rule, s in scores.items() if len(s) == len(study.seed_fold_pairs)}


def gap_table(study: Study) -> Table:
    """Make the table of mean scores under each rule, and of the gap between ``best_test`` and the others."""
    others = [rule for rule in study.rules if rule != "best_test"]
    gaps = others if "best_test" in study.rules else []
    rows = []
    for name in study.ablations:
        means = mean_scores(study, name)
        scores = [rounded(means.get(rule)) for rule in study.rules]
        above = [_difference(means.get("best_test"), means.get(rule)) for rule in gaps]
        rows.append((text(study.display_name(name)), *scores, *above))
    header = ("Name", *study.rules, *(f"best_test - {rule}" for rule in gaps))
    return Table(
        "gap",
        f"Mean {METRIC_NAMES[study.primary_metric[1]]} in percent under each epoch-selection rule, for the same "
        "trainings; the last columns are the optimism gap, in points.",
        header,
        tuple(rows),
        "l" + "r" * (len(header) - 1),
        (", ".join(f"{rule}: {RULE_LABELS[rule]}" for rule in study.rules) + ".", *_note(study)),
    )


def _note(study: Study) -> list[str]:
    if "best_test" not in study.rules or study.primary_metric[1] == "score":
        return []
    return ["Under best_test the epoch is selected by the published score, so its true WA is not always the highest."]


def _difference(a: float | None, b: float | None) -> TableCell:
    return TableCell(MISSING) if a is None or b is None else rounded(a - b, signed=True)


def changes(analysis: Analysis, ablation: str) -> str:
    """Return what of Δ depends on the rule: ``sign``, ``significance``, both, or ``no``."""
    comparisons = [c[ablation] for c in analysis.by_rule.values() if ablation in c]
    signs = {c.test.mean > 0 for c in comparisons if c.test.mean}
    significant = {c.p_holm < ALPHA for c in comparisons if not c.test.untestable}
    words = [word for word, seen in (("sign", signs), ("significance", significant)) if len(seen) > 1]
    return " and ".join(words) or "no"


def delta_by_rule_table(analysis: Analysis) -> Table:
    """Make the table of Δ and its corrected p-value under each rule."""
    rules = tuple(analysis.by_rule)
    names = [name for name in analysis.study.ablations if any(name in analysis.by_rule[rule] for rule in rules)]
    rows = []
    for name in names:
        comparisons = [analysis.by_rule[rule].get(name) for rule in rules]
        deltas = [TableCell(MISSING) if c is None else rounded(points(c.test.mean), signed=True) for c in comparisons]
        p_values = [TableCell(MISSING) if c is None else p_cell(c.p_holm) for c in comparisons]
        rows.append((text(analysis.study.display_name(name)), *deltas, *p_values, text(changes(analysis, name))))
    header = ("Name", *(f"Δ {rule}" for rule in rules), *(f"p (Holm) {rule}" for rule in rules), "changes")
    return Table(
        "delta_by_rule",
        "Proposed minus variant in points under each epoch-selection rule, and whether its sign or significance "
        "depends on the rule.",
        header,
        tuple(rows),
        "l" + "r" * (len(header) - 2) + "l",
    )


def gap_words(analysis: Analysis) -> str:
    """Describe which differences depend on the epoch-selection rule."""
    if len(analysis.by_rule) < 2:
        return ""
    changed = {name: changes(analysis, name) for name in analysis.study.ablations if name != "none"}
    listed = [f"{analysis.study.display_name(name)} ({change})" for name, change in changed.items() if change != "no"]
    if not listed:
        return "Neither the sign nor the significance of any Δ depends on the epoch-selection rule."
    return f"The sign or significance of Δ depends on the epoch-selection rule for {', '.join(listed)}."
