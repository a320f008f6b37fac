"""The tables of scores: the published layout, the published table beside it, and accuracies with their spread."""

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.config.variants import same_network_notes
from plb_ablate.report.study import STREAMS, Study
from plb_ablate.report.tables.model import MISSING, Table, TableCell, cut, number, rounded, text

__all__ = [
    "METRIC_NAMES",
    "accuracy_table",
    "block_table",
    "display_name",
    "missing_note",
    "published_rows",
    "wa_table",
]

METRIC_NAMES = {
    "score": "WA as published (plain mean over batches of 32)",
    "wa": "true WA (accuracy over utterances)",
    "ua": "UA (mean recall)",
    "macro_f1": "macro-F1",
}

DELTA_NOTE = "Δ is proposed minus the best other row, column by column."
SPA_NOTE = (
    "Spa (published) is what the published page calls Spa: another model than the removal of the spatial attention, "
    "which is Spa (clean)."
)

_NAMES = {
    "none": "proposed",
    "dwscnn": "DWSCNN",
    "cbam": "CBAM",
    "spa": "Spa (clean)",
    "spa_published": "Spa (published)",
    "sa": "SA",
    "routing": "routing",
    "forward_only": "forward only",
    "backward_only": "backward only",
}


def display_name(ablation: str) -> str:
    """Give the name of an ablation's row: as on the published page, combinations as they are typed."""
    return _NAMES.get(ablation, ablation)


def summary(values: Iterable[float]) -> tuple[float, float, float]:
    """Give max, min and mean of fractions, in percent."""
    percent = [100 * value for value in values]
    return max(percent), min(percent), fmean(percent)


def published_rows(
    rows: Sequence[tuple[str, int | None, Sequence[float] | None]],
) -> tuple[list[list[TableCell]], list[TableCell]]:
    """Lay out rows as the published page does.

    Parameters
    ----------
    rows : sequence of (ablation, parameters, scores)
        Scores are fractions; None for a variant that has not all of them: its cells are dashes, and it takes part
        neither in Δ nor in the marks.

    Returns
    -------
    rows : list of list of TableCell
        Name, #Params, max, min and mean in percent, cut to two decimals.
    delta : list of TableCell
        Proposed minus the best other row, column by column, from the numbers as shown; dashes where either is missing.
    """
    laid, shown = [], {}
    for ablation, params, values in rows:
        cells = [cut(value) for value in summary(values)] if values else [TableCell(MISSING)] * 3
        if values:
            shown[ablation] = [float(cell.value or 0) for cell in cells]
        laid.append([text(display_name(ablation)), number(params), *cells])
    others = [shown[name] for name in shown if name != "none"]
    delta = [TableCell(MISSING)] * 3
    if "none" in shown and others:
        delta = [rounded(shown["none"][i] - max(row[i] for row in others), signed=True) for i in range(3)]
    return laid, delta


def wa_table(study: Study) -> Table:
    """Make the table in the published layout, under the study's epoch-selection rule and primary metric.

    It holds the proposed model and the removals from it; the single streams, which the page has not, are in
    `block_table`. A column ``folds`` (done/wanted) appears as soon as one variant has missing folds. Several seeds
    stand in one row: max, min and mean are over all folds of all seeds.
    """
    rule, metric = study.primary_metric
    scores = {name: study.scores(name, rule, metric) for name in study.ablations if name not in STREAMS}
    wanted = len(study.seed_fold_pairs)
    whole = {name: len(scores[name]) == wanted for name in scores}
    laid, delta = published_rows(
        [(name, study.params(name), [*scores[name].values()] if whole[name] else None) for name in scores]
    )
    header = ["Name", "#Params", "max_WA(%)", "min_WA(%)", "avg_WA(%)"]
    last = [text("Δ"), TableCell(""), *delta]
    notes = [DELTA_NOTE, *([SPA_NOTE] if "spa_published" in scores else []), *same_network_notes(scores)]
    if not all(whole.values()):
        header.append("folds")
        laid = [[*row, text(f"{len(scores[name])}/{wanted}")] for row, name in zip(laid, scores, strict=True)]
        last.append(TableCell(""))
    table = Table(
        "wa",
        f"{METRIC_NAMES[metric]}, {RULE_LABELS[rule]}, over {_count(study)}.",
        tuple(header),
        (*map(tuple, laid), tuple(last)),
        "l" + "r" * (len(header) - 1),
        (*notes, *missing_note(study, rule, metric)),
    )
    return table.with_best((2, 3, 4), range(len(laid)))


def block_table(study: Study) -> Table:
    """Make the table of the Pattern Learning Block itself: both streams, forward only, backward only."""
    rule, metric = study.primary_metric
    rows = []
    for name in ("none", *STREAMS):
        scores = [100 * score for score in study.scores(name, rule, metric).values()]
        whole = len(scores) == len(study.seed_fold_pairs)
        numbers = [min(scores), max(scores), fmean(scores), _std(scores)] if whole else [None] * 4
        title = "both streams" if name == "none" else display_name(name)
        done = text(f"{len(scores)}/{len(study.seed_fold_pairs)}")
        rows.append((text(title), number(study.params(name)), *map(rounded, numbers), done))
    table = Table(
        "block",
        f"The Pattern Learning Block: {METRIC_NAMES[metric]}, {RULE_LABELS[rule]}, over {_count(study)}.",
        ("Streams", "#Params", "min_WA(%)", "max_WA(%)", "mean_WA(%)", "std", "folds"),
        tuple(rows),
        "lrrrrrr",
    )
    return table.with_best((2, 3, 4), range(len(rows)))


def accuracy_table(study: Study, rule: str) -> Table:
    """Make the table of true WA, UA and macro-F1, each with its standard deviation over folds and seeds."""
    rows = []
    for name in study.ablations:
        row = [text(display_name(name))]
        for metric in ("wa", "ua", "macro_f1"):
            scores = [*study.scores(name, rule, metric).values()]
            row += [*_mean_and_std(scores)] if len(scores) == len(study.seed_fold_pairs) else [TableCell(MISSING)] * 2
        rows.append((*row, text(f"{len(study.scores(name, rule, 'wa'))}/{len(study.seed_fold_pairs)}")))
    table = Table(
        f"accuracy_{rule}",
        f"Accuracy over utterances, mean recall and macro-F1, {RULE_LABELS[rule]}, mean and standard deviation over "
        f"{_count(study)}.",
        ("Name", "WA(%)", "std WA", "UA(%)", "std UA", "macro-F1(%)", "std F1", "folds"),
        tuple(rows),
        "lrrrrrrr",
        tuple(missing_note(study, rule, "wa")),
    )
    return table.with_best((1, 3, 5), range(len(rows)))


def missing_note(study: Study, rule: str, metric: str) -> list[str]:
    """Say which variants are incomplete, what that means for the table, and which cells to run; empty if none is."""
    gaps = {name: study.missing(name, rule, metric) for name in study.ablations}
    gaps = {name: cells for name, cells in gaps.items() if cells}
    if not gaps:
        return []
    listed = "; ".join(f"{display_name(name)}: {_cells(cells)}" for name, cells in gaps.items())
    return [
        "A variant with missing folds is not averaged: its numbers are dashes, and it takes part neither in Δ nor in "
        f"the marks. Missing are {listed}. The same sweep, run again, adds them."
    ]


def _cells(cells: Sequence[tuple[int, int]]) -> str:
    """List missing cells by seed, briefly."""
    seeds = sorted({seed for seed, _ in cells})
    return ", ".join(f"seed {seed} fold {' '.join(str(f) for s, f in cells if s == seed)}" for seed in seeds)


def _mean_and_std(fractions: Sequence[float]) -> tuple[TableCell, TableCell]:
    percent = [100 * value for value in fractions]
    return rounded(fmean(percent)), rounded(_std(percent))


def _std(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else math.nan


def _count(study: Study) -> str:
    folds = f"{study.n_folds} folds"
    return folds if len(study.seeds) == 1 else f"{folds} of each of {len(study.seeds)} seeds"
