"""The verdict of a study in words, and the table of differences from the proposed model."""

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.report.analysis import ALPHA, CERTAIN, Analysis, effect, points
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import METRIC_NAMES, display_name, doubtful_notes
from plb_ablate.report.tables.model import MISSING, Table, TableCell, number, rounded, text
from plb_ablate.statistics.comparison import Comparison
from plb_ablate.statistics.equivalence import ROPE
from plb_ablate.statistics.power import MOST_SEEDS

__all__ = ["comparison_table", "p_cell", "verdict"]

_GROUPS = {
    "costs": "Significant loss when removed",
    "gains": "Significant gain when removed",
    "equivalent": f"Equivalent when removed (Δ within ±{100 * ROPE:g} point, probability {100 * CERTAIN:g} % or more)",
    "inconclusive": "Inconclusive",
}


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
    if p < 0.0001:
        return TableCell("< 0.0001", p)
    digits = next((d for d in (2, 3) if p >= 10.0 ** (1 - d)), 4)
    return TableCell(f"{p:.{digits}f}", p)


def verdict(analysis: Analysis) -> str:
    """Describe in Markdown which removals have a significant effect, under which protocol."""
    study = analysis.study
    rule, metric = study.primary_metric
    lines = [
        f"Under protocol={study.key.protocol}, {METRIC_NAMES[metric]}, {RULE_LABELS[rule]}; {_design(study)}. "
        "Corrected paired t-test against the proposed model, Holm correction over "
        f"{len(analysis.primary_comparisons)} variants, significance level {100 * ALPHA:g} %.\n"
    ]
    if rule == "best_test":
        lines.append("These scores are optimistic, because the epoch was selected on the test fold itself.\n")
    if rule in analysis.refused:
        return "\n".join([*lines, f"**No verdict.** {analysis.refused[rule]}\n"])
    if not analysis.primary_comparisons:
        lines.append("**No verdict.** No variant has all folds of the proposed model.\n")
    for word, title in _GROUPS.items():
        group = [(name, c) for name, c in analysis.primary_comparisons.items() if effect(c) == word]
        if group:
            lines.append(f"- **{title}**")
            lines += [f"    - {_named(name)}: {_words(c, word)}" for name, c in group]
    lines += [f"- **{note}**" for note in doubtful_notes(study, (rule,))]
    if analysis.not_compared:
        names = ", ".join(map(display_name, analysis.not_compared))
        lines.append(f"- **Not compared**, because folds are missing: {names}.")
    return "\n".join(lines) + "\n"


def _design(study: Study) -> str:
    seeds = f"{len(study.seeds)} seed" + "s" * (len(study.seeds) > 1)
    corpus = f" of {study.n_utterances:,} utterances" if study.n_utterances else ""
    return f"{study.n_folds} folds{corpus}, {seeds}"


def _named(ablation: str) -> str:
    return display_name(ablation) + (", a different model, not a removal" if ablation == "spa_published" else "")


def _words(c: Comparison, word: str) -> str:
    low, high = (points(end) for end in c.test.ci95)
    words = f"Δ {points(c.test.mean):+.2f} points, 95 % {low:+.2f} to {high:+.2f}, Holm p {p_cell(c.p_holm).text}"
    if word == "equivalent":
        words += f", P(equivalent) {c.posterior.p_equivalent:.2f}"
    if word == "inconclusive":
        words += f"; minimum detectable Δ (80 % power) {points(c.minimal_delta):.2f} points; {_power_words(c)}"
    return words


def _power_words(c: Comparison) -> str:
    if c.extra_seeds is None:
        return "no number of additional seeds gives 80 % power for the observed Δ on these recordings"
    if not c.extra_seeds:
        return "these runs have 80 % power for the observed Δ"
    at_least = "at least " if c.test.n == c.test.n_folds else ""
    seeds = f"{c.extra_seeds:,} additional seed{'s' * (c.extra_seeds > 1)}"
    return f"{at_least}{seeds} needed for 80 % power at the observed Δ"


def comparison_table(analysis: Analysis) -> Table:
    """Make the table of differences from the proposed model, with all statistics of them."""
    study = analysis.study
    rule, metric = study.primary_metric
    rows = [(text(display_name(name)), *_numbers(c)) for name, c in analysis.primary_comparisons.items()]
    rows += [(text(display_name(name)), *[TableCell(MISSING)] * 10) for name in analysis.not_compared]
    return Table(
        "differences",
        f"Proposed minus variant in points of {METRIC_NAMES[metric]}, {RULE_LABELS[rule]}, paired over "
        f"{_design(study)}.",
        _HEADER,
        tuple(rows),
        "lrrrrrrrrrr",
        (
            "p: Nadeau-Bengio corrected t-test with the actual test and training sizes; p (Holm): corrected for all "
            f"variants of the table. P: Bayesian correlated t-test; equivalent means within ±{100 * ROPE:g} point. "
            "Minimum detectable Δ: the smallest true Δ that this study finds with 80 % power. Additional seeds: number "
            "needed for 80 % power at the observed Δ (a lower bound if there is only one seed; a dash means more than "
            f"{MOST_SEEDS:,}, so that more or other recordings are needed).",
        ),
    )


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
