"""The tables of scores: the published layout, the single streams, and accuracies with standard deviations."""

import math
from collections.abc import Iterable, Mapping, Sequence, Sized
from statistics import fmean, stdev

import numpy as np

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.models.family import WHOLE, ModelFamily
from plb_ablate.models.plb.family import PLB
from plb_ablate.report.doubtful_runs import diverged_runs, flat_runs
from plb_ablate.report.raced import decided_at, not_missing
from plb_ablate.report.study import FoldRun, Study
from plb_ablate.report.tables.model import MISSING, Table, TableCell, cut, number, rounded, text
from plb_ablate.statistics.answers import Answers, pooled_ua

__all__ = [
    "METRIC_NAMES",
    "accuracy_table",
    "block_table",
    "doubtful_notes",
    "published_rows",
    "wa_table",
]

METRIC_NAMES = {
    "score": "WA as published (plain mean over batches of 32)",
    "wa": "true WA (accuracy over utterances)",
    "ua": "UA (mean recall)",
    "macro_f1": "macro-F1",
}

_RACED = (
    "Decided at: a race decided the variant after so many rounds. Nothing is missing: its differences are on the folds "
    "that it shares with the proposed model (table *race*), and it has no place beside means of all folds."
)

DELTA_NOTE = "Δ is the proposed model minus the best other row, separately for each column."


def summary(values: Iterable[float]) -> tuple[float, float, float]:
    """Return max, min and mean of fractions, in percent."""
    percent = [100 * value for value in values]
    return max(percent), min(percent), fmean(percent)


def published_rows(
    rows: Sequence[tuple[str, int | None, Sequence[float] | None]], family: ModelFamily = PLB
) -> tuple[list[list[TableCell]], list[TableCell]]:
    """Lay out rows as the published page does.

    Parameters
    ----------
    family : ModelFamily
        Names the rows.
    rows : sequence of (ablation, parameters, scores)
        Scores are fractions; None for an incomplete variant: its cells are dashes, and it is used neither for Δ nor
        for the best values.

    Returns
    -------
    rows : list of list of TableCell
        Name, #Params, max, min and mean in percent, cut to two decimals.
    delta : list of TableCell
        Proposed minus the best other row for each column, from the numbers as shown; dashes if either is missing.
    """
    laid, shown = [], {}
    for ablation, params, values in rows:
        cells = [cut(value) for value in summary(values)] if values else [TableCell(MISSING)] * 3
        if values:
            shown[ablation] = [float(cell.value or 0) for cell in cells]
        laid.append([text(family.display_name(ablation)), number(params), *cells])
    others = [shown[name] for name in shown if name != WHOLE]
    delta = [TableCell(MISSING)] * 3
    if WHOLE in shown and others:
        delta = [rounded(shown[WHOLE][i] - max(row[i] for row in others), signed=True) for i in range(3)]
    return laid, delta


def wa_table(study: Study) -> Table:
    """Make the table in the published layout, under the study's epoch-selection rule and primary metric.

    It has the proposed model and its removals; the single streams, which the page does not have, are in `block_table`.
    If a variant has missing folds, there is a column ``folds`` (finished/all). Several seeds are in one row: max, min
    and mean are over all folds of all seeds.
    """
    family, (rule, metric) = study.key.family, study.primary_metric
    scores = {name: study.scores(name, rule, metric) for name in study.ablations if name not in family.streams}
    complete = {name: _is_complete(study, name, scores[name]) for name in scores}
    laid, delta = published_rows(
        [(name, study.params(name), [*scores[name].values()] if complete[name] else None) for name in scores],
        family,
    )
    header = ["Name", "#Params", "max_WA(%)", "min_WA(%)", "avg_WA(%)"]
    last = [text("Δ"), TableCell(""), *delta]
    notes = [
        DELTA_NOTE,
        *(note for name, note in family.notes.items() if name in scores),
        *family.same_network_notes(scores),
    ]
    if not all(complete.values()):
        header.append("folds")
        laid = [[*row, _folds(study, name, len(scores[name]))] for row, name in zip(laid, scores, strict=True)]
        last.append(TableCell(""))
    table = Table(
        "wa",
        f"{METRIC_NAMES[metric]}, {RULE_LABELS[rule]}, over {_count(study)}.",
        tuple(header),
        (*map(tuple, laid), tuple(last)),
        "l" + "r" * (len(header) - 1),
        (*notes, *run_notes(study, rule, metric)),
    )
    return table.with_best((2, 3, 4), range(len(laid)))


def block_table(study: Study) -> Table:
    """Make the table of the streams of a model: both, and each alone."""
    rule, metric = study.primary_metric
    rows = []
    for name in (WHOLE, *study.key.family.streams):
        scores = [100 * score for score in study.scores(name, rule, metric).values()]
        complete = _is_complete(study, name, scores)
        numbers = [min(scores), max(scores), fmean(scores), _std(scores)] if complete else [None] * 4
        title = "both streams" if name == WHOLE else study.display_name(name)
        rows.append((text(title), number(study.params(name)), *map(rounded, numbers), _folds(study, name, len(scores))))
    table = Table(
        "block",
        f"The streams, together and each alone: {METRIC_NAMES[metric]}, {RULE_LABELS[rule]}, over {_count(study)}.",
        ("Streams", "#Params", "min_WA(%)", "max_WA(%)", "mean_WA(%)", "std", "folds"),
        tuple(rows),
        "lrrrrrr",
    )
    return table.with_best((2, 3, 4), range(len(rows)))


def accuracy_table(study: Study, rule: str, answers: Mapping[str, Answers] | None = None) -> Table:
    """Make the table of WA, UA and macro-F1 over utterances, each with its standard deviation over folds and seeds.

    With the predictions of variants, there is also the UA of all test predictions of a seed together (mean of seeds).
    """
    rows, answers = [], answers or {}
    for name in study.ablations:
        row = [text(study.display_name(name))]
        for metric in ("wa", "ua", "macro_f1"):
            scores = [*study.scores(name, rule, metric).values()]
            row += [*_mean_and_std(scores)] if _is_complete(study, name, scores) else [TableCell(MISSING)] * 2
        if answers:
            row.append(rounded(100 * pooled_ua(answers[name]) if name in answers else None))
        rows.append((*row, _folds(study, name, len(study.scores(name, rule, "wa")))))
    pooled = ("pooled UA(%)",) if answers else ()
    table = Table(
        f"accuracy_{rule}",
        f"Accuracy over utterances, mean recall and macro-F1, {RULE_LABELS[rule]}, mean and standard deviation over "
        f"{_count(study)}.",
        ("Name", "WA(%)", "std WA", "UA(%)", "std UA", "macro-F1(%)", "std F1", *pooled, "folds"),
        tuple(rows),
        "lrrrrrrr" + "r" * len(pooled),
        (*_class_notes(answers), *run_notes(study, rule, "wa")),
    )
    return table.with_best((1, 3, 5), range(len(rows)))


def _class_notes(answers: Mapping[str, Answers]) -> list[str]:
    """Say which folds lack a class, so that their UA averages other classes than that of other folds."""
    if not answers:
        return []
    one = next(iter(answers.values()))
    folds = [fold for fold in np.unique(one.folds) if len(set(one.labels[one.folds == fold])) < len(set(one.labels))]
    notes = ["Pooled UA: the mean recall over all test utterances of a seed together, mean of seeds."]
    if folds:
        notes.append(
            f"The test split of fold {', '.join(map(str, folds))} lacks a class, so that its UA averages other classes "
            "than that of other folds; pooled UA does not have this fault."
        )
    return notes


def _is_complete(study: Study, ablation: str, scores: Sized) -> bool:
    """Whether a variant has all folds; one that a race has decided does not, even if no other has more."""
    return len(scores) == len(study.seed_fold_pairs) and not decided_at(study, ablation)


def _folds(study: Study, ablation: str, done: int) -> TableCell:
    """Say how many folds a variant has, or after how many a race decided it."""
    found = decided_at(study, ablation)
    return text(f"decided at {found}" if found else f"{done}/{len(study.seed_fold_pairs)}")


def run_notes(study: Study, rule: str, metric: str) -> list[str]:
    """Describe which folds of a table are missing, and which runs of it are doubtful; empty if there are none."""
    return [*missing_note(study, rule, metric), *doubtful_notes(study, (rule,))]


def doubtful_notes(study: Study, rules: Sequence[str]) -> list[str]:
    """Describe which trainings diverged, and which predict one class only under one of the rules."""
    diverged, flat = diverged_runs(study), flat_runs(study, rules)
    notes = []
    if diverged:
        notes.append(
            f"Diverged, so that their scores are not used: {_by_variant(study, diverged)}. Their loss is not finite; "
            "try a smaller trainer.learning_rate."
        )
    if flat:
        notes.append(
            f"One class only: {_by_variant(study, flat)} predict the same class for every test utterance, so that "
            "their scores say nothing about a module. They may have diverged, or been trained too briefly."
        )
    return notes


def _by_variant(study: Study, runs: Sequence[FoldRun]) -> str:
    pairs: dict[str, list[tuple[int, int]]] = {}
    for run in runs:
        pairs.setdefault(run.ablation, []).append((run.seed, run.fold))
    return "; ".join(f"{study.display_name(name)}: {_by_seed(cells)}" for name, cells in pairs.items())


def missing_note(study: Study, rule: str, metric: str) -> list[str]:
    """Describe which variants are incomplete, what that means for the table, and what to run; empty if none is."""
    left = {name: not_missing(study, name) for name in study.ablations}
    missing = {name: [p for p in study.missing(name, rule, metric) if p not in left[name]] for name in left}
    notes = [_RACED] if any(left.values()) else []
    if not any(missing.values()):
        return notes
    listed = "; ".join(f"{study.display_name(name)}: {_by_seed(pairs)}" for name, pairs in missing.items() if pairs)
    return [
        *notes,
        "A variant with missing folds has dashes instead of numbers, and is used neither for Δ nor for the best values."
        f" Missing: {listed}. Run the same sweep again to train the missing folds.",
    ]


def _by_seed(pairs: Sequence[tuple[int, int]]) -> str:
    """List (seed, fold) pairs by seed."""
    seeds = sorted({seed for seed, _ in pairs})
    return ", ".join(f"seed {seed} fold {' '.join(str(f) for s, f in pairs if s == seed)}" for seed in seeds)


def _mean_and_std(fractions: Sequence[float]) -> tuple[TableCell, TableCell]:
    percent = [100 * value for value in fractions]
    return rounded(fmean(percent)), rounded(_std(percent))


def _std(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else math.nan


def _count(study: Study) -> str:
    return f"{study.n_folds} folds" + ("" if len(study.seeds) == 1 else f" of each of {len(study.seeds)} seeds")
