"""What a study shows, in words and in one table of differences."""

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.report.analysis import ALPHA, CERTAIN, Analysis, effect, points
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import METRIC_NAMES, display_name
from plb_ablate.report.tables.model import MISSING, Table, TableCell, number, rounded, text
from plb_ablate.statistics.comparison import Comparison
from plb_ablate.statistics.equivalence import ROPE
from plb_ablate.statistics.power import MOST_SEEDS

__all__ = ["comparison_table", "p_cell", "verdict"]

_GROUPS = {
    "costs": "Shown to matter (removing it costs accuracy)",
    "gains": "Shown to be better without (removing it gains accuracy)",
    "equivalent": f"Shown not to matter (within ±{100 * ROPE:g} point with probability {100 * CERTAIN:g} % or more)",
    "open": "Not shown to matter, nor shown not to",
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
    "detectable Δ",
    "more seeds",
)


def p_cell(p: float) -> TableCell:
    """Make a cell of a p-value: two digits, four decimals at most."""
    if p < 0.0001:
        return TableCell("< 0.0001", p)
    digits = next((d for d in (2, 3) if p >= 10.0 ** (1 - d)), 4)
    return TableCell(f"{p:.{digits}f}", p)


def verdict(analysis: Analysis) -> str:
    """Say which modules are shown to matter and which are not, under which protocol; Markdown."""
    study = analysis.study
    rule, metric = study.primary_metric
    lines = [
        f"Under protocol={study.key.protocol}, {METRIC_NAMES[metric]}, {RULE_LABELS[rule]}; {_design(study)}. "
        f"Corrected paired t-test against the proposed model, Holm over {len(analysis.primary_comparisons)} variants, "
        f"level {100 * ALPHA:g} %.\n"
    ]
    if rule == "best_test":
        lines.append("These scores are optimistic: the epoch was chosen on the very fold that is scored.\n")
    if rule in analysis.refused:
        return "\n".join([*lines, f"**No verdict.** {analysis.refused[rule]}\n"])
    if not analysis.primary_comparisons:
        lines.append("**No verdict.** No variant has all the folds that the proposed model has.\n")
    for word, title in _GROUPS.items():
        found = [(name, c) for name, c in analysis.primary_comparisons.items() if effect(c) == word]
        if found:
            lines.append(f"- **{title}**")
            lines += [f"    - {_named(name)}: {_words(c, word)}" for name, c in found]
    if analysis.not_compared:
        names = ", ".join(map(display_name, analysis.not_compared))
        lines.append(f"- **Not compared**, for folds are missing: {names}.")
    return "\n".join(lines) + "\n"


def _design(study: Study) -> str:
    seeds = f"{len(study.seeds)} seed" + "s" * (len(study.seeds) > 1)
    corpus = f" of {study.n_utterances:,} utterances" if study.n_utterances else ""
    return f"{study.n_folds} folds{corpus}, {seeds}"


def _named(ablation: str) -> str:
    return display_name(ablation) + (", another model and no removal" if ablation == "spa_published" else "")


def _words(c: Comparison, word: str) -> str:
    low, high = (points(end) for end in c.test.ci95)
    words = f"Δ {points(c.test.mean):+.2f} points, 95 % {low:+.2f} to {high:+.2f}, Holm p {p_cell(c.p_holm).text}"
    if word == "equivalent":
        words += f", P(equivalent) {c.posterior.p_equivalent:.2f}"
    if word == "open":
        words += f"; a Δ of {points(c.minimal_delta):.2f} would be found 4 times in 5; {_more(c)}"
    return words


def _more(c: Comparison) -> str:
    if c.extra_seeds is None:
        return "no number of seeds would settle a Δ of this size on these recordings"
    if not c.extra_seeds:
        return "these runs have the power for a Δ of this size"
    at_least = "at least " if c.test.n == c.test.n_folds else ""
    return f"{at_least}{c.extra_seeds:,} more seed{'s' * (c.extra_seeds > 1)} would settle a Δ of this size"


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
            "Nadeau-Bengio corrected t-test with the real test and train sizes; p (Holm) allows for all variants of "
            f"the table. P is the Bayesian correlated t-test's, equivalent means within ±{100 * ROPE:g} point. "
            "Detectable Δ is what this study finds with a power of 80 %; more seeds is how many it would take to find "
            "the Δ it saw with that power (with one seed so far a lower bound; a dash: more than "
            f"{MOST_SEEDS:,}, so that other or more recordings are needed).",
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
