"""The optimism gap: how much of a score is the choice of its epoch, and whether a verdict hangs on it."""

from statistics import fmean

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.report.analysis import ALPHA, Analysis, points
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import METRIC_NAMES, display_name
from plb_ablate.report.tables.differences import p_cell
from plb_ablate.report.tables.model import MISSING, Table, TableCell, rounded, text

__all__ = ["delta_by_rule_table", "gap_table", "gap_words", "mean_scores"]


def mean_scores(study: Study, ablation: str) -> dict[str, float]:
    """Give a variant's mean score in percent under each rule for which it has all folds."""
    metric = study.primary_metric[1]
    scores = {rule: study.scores(ablation, rule, metric) for rule in study.rules}
    return {rule: 100 * fmean(s.values()) for rule, s in scores.items() if len(s) == len(study.seed_fold_pairs)}


def gap_table(study: Study) -> Table:
    """Make the table of mean scores under each rule, and how far the test fold's own choice lies above the others."""
    others = [rule for rule in study.rules if rule != "best_test"]
    gaps = others if "best_test" in study.rules else []
    rows = []
    for name in study.ablations:
        means = mean_scores(study, name)
        scores = [rounded(means.get(rule)) for rule in study.rules]
        above = [_difference(means.get("best_test"), means.get(rule)) for rule in gaps]
        rows.append((text(display_name(name)), *scores, *above))
    header = ("Name", *study.rules, *(f"best_test - {rule}" for rule in gaps))
    return Table(
        "gap",
        f"Mean {METRIC_NAMES[study.primary_metric[1]]} in percent under each choice of the epoch, all from the same "
        "trainings; the last columns are the optimism gap, in points.",
        header,
        tuple(rows),
        "l" + "r" * (len(header) - 1),
        (", ".join(f"{rule}: {RULE_LABELS[rule]}" for rule in study.rules) + ".", *_note(study)),
    )


def _note(study: Study) -> list[str]:
    if "best_test" not in study.rules or study.primary_metric[1] == "score":
        return []
    return ["On the test fold the epoch is chosen by the published score, so that its true WA need not be the highest."]


def _difference(a: float | None, b: float | None) -> TableCell:
    return TableCell(MISSING) if a is None or b is None else rounded(a - b, signed=True)


def changes(analysis: Analysis, ablation: str) -> str:
    """Say whether Δ changes with the rule: ``sign``, ``significance``, both, or ``no``."""
    found = [c[ablation] for c in analysis.by_rule.values() if ablation in c]
    signs = {c.test.mean > 0 for c in found if c.test.mean}
    shown = {c.p_holm < ALPHA for c in found}
    words = [word for word, seen in (("sign", signs), ("significance", shown)) if len(seen) > 1]
    return " and ".join(words) or "no"


def delta_by_rule_table(analysis: Analysis) -> Table:
    """Make the table of Δ and its corrected p-value under each rule."""
    rules = tuple(analysis.by_rule)
    names = [name for name in analysis.study.ablations if any(name in analysis.by_rule[rule] for rule in rules)]
    rows = []
    for name in names:
        found = [analysis.by_rule[rule].get(name) for rule in rules]
        deltas = [TableCell(MISSING) if c is None else rounded(points(c.test.mean), signed=True) for c in found]
        p_values = [TableCell(MISSING) if c is None else p_cell(c.p_holm) for c in found]
        rows.append((text(display_name(name)), *deltas, *p_values, text(changes(analysis, name))))
    header = ("Name", *(f"Δ {rule}" for rule in rules), *(f"p (Holm) {rule}" for rule in rules), "changes")
    return Table(
        "delta_by_rule",
        "Proposed minus variant in points under each choice of the epoch, and whether its sign or significance "
        "changes with the choice.",
        header,
        tuple(rows),
        "l" + "r" * (len(header) - 2) + "l",
    )


def gap_words(analysis: Analysis) -> str:
    """Say which verdicts hang on the choice of the epoch."""
    if len(analysis.by_rule) < 2:
        return ""
    found = {name: changes(analysis, name) for name in analysis.study.ablations if name != "none"}
    told = [f"{display_name(name)} ({what})" for name, what in found.items() if what != "no"]
    if not told:
        return "No Δ changes its sign or its significance with the choice of the epoch."
    return f"Δ hangs on the choice of the epoch for {', '.join(told)}."
