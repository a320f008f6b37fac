"""The tables on these trainings: differences over the population of utterances and speakers, and their sources."""

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.report.analysis import Analysis, points
from plb_ablate.report.tables.differences import p_cell
from plb_ablate.report.tables.model import Table, TableCell, number, rounded, text
from plb_ablate.statistics.population_comparison import METRICS, PopulationComparison
from plb_ablate.statistics.population_test import FEW_DISCORDANT, PopulationTest

__all__ = ["parts_table", "population_table"]

_NAMES = {"wa": "WA", "ua": "UA", "macro_f1": "macro-F1"}


def population_table(analysis: Analysis) -> Table:
    """Make the table of differences of the trained networks in WA, UA and macro-F1, with their intervals."""
    compared = analysis.population_comparisons
    rows = [(text(analysis.study.display_name(name)), *_row(comparison)) for name, comparison in compared.items()]
    header = [cell for metric in METRICS for cell in (f"Δ {_NAMES[metric]}", "95 % low", "95 % high", "p (Holm)")]
    header += ["only with", "only without", "utterances", "speakers"]
    return Table(
        "these_trainings",
        "These trainings, further utterances: proposed minus variant in points, over all test predictions together, "
        f"{RULE_LABELS[analysis.study.primary_metric[0]]}.",
        ("Name", *header),
        tuple(rows),
        "l" + "r" * len(header),
        (
            "WA and UA: cross-validation's central limit theorem, clustered by speaker with speakers - 1 degrees of "
            "freedom (by utterance where speakers are unknown). Macro-F1: bootstrap over speakers. *Only with* and "
            "*only without*: utterances that more seeds get right with, or without, the module; if they are fewer than "
            f"{FEW_DISCORDANT} together, p is that of the exact McNemar test. Trained again, the networks may differ: "
            "that is the question of the table of the method.",
        ),
    )


def _row(comparison: PopulationComparison) -> tuple[TableCell, ...]:
    cells: list[TableCell] = []
    for metric in METRICS:
        test = comparison.tests[metric]
        cells += [*_interval(test), p_cell(comparison.p_holm[metric])]
    test = comparison.tests["wa"]
    speakers = number(test.n_speakers) if test.n_speakers else text("unknown")
    return (*cells, number(test.better), number(test.worse), number(test.n_utterances), speakers)


def _interval(test: PopulationTest) -> tuple[TableCell, ...]:
    return tuple(rounded(points(value), signed=True) for value in (test.mean, *test.ci95))


def parts_table(analysis: Analysis) -> Table:
    """Make the table of the sources of uncertainty of each difference, with the number of each."""
    rows = [
        (
            text(analysis.study.display_name(name)),
            text(part.source),
            number(part.n),
            rounded(points(part.variance**0.5)),
            rounded(100 * part.share, 0),
        )
        for name, comparison in analysis.population_comparisons.items()
        for part in comparison.parts
    ]
    return Table(
        "variance_parts",
        "Where the uncertainty of Δ comes from: standard deviation of Δ in points by source, and its share of the "
        "variance.",
        ("Name", "source", "n", "points", "share(%)"),
        tuple(rows),
        "llrrr",
        (
            "Variance components of the differences of all utterances and seeds (Henderson's first method; negative "
            "estimates count as zero). More of the largest source makes the interval narrower. With one seed, what "
            "training again would change cannot be told from folds and utterances.",
        ),
    )
