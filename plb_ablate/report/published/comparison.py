"""The published table compared with ours, and the differences between a study and the published one."""

import math

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.config.schema import Trainer
from plb_ablate.models.plb.family import PLB
from plb_ablate.published import tables as published
from plb_ablate.report.corpus_differences import corpus_differences
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import METRIC_NAMES, published_rows
from plb_ablate.report.tables.model import MISSING, Table, TableCell, number, rounded, text

__all__ = ["COLUMNS", "beside_table", "departures"]

COLUMNS = ("max_WA(%)", "min_WA(%)", "avg_WA(%)")
"""The WA columns of the published tables."""

EPOCHS = Trainer.epochs
"""Epochs of the published trainings."""


def departures(study: Study, *, any_epochs: bool = False) -> list[str]:
    """List how a study differs from the published experiment; empty if it does not.

    With `any_epochs` a shorter training is not a difference, because its epochs are the first ones of a full training.
    """
    key, corpus, features, training = study.key, corpus_differences(study), study.folds[0].features, _training(study)
    epochs = {run.value("last", "epoch") + 1 for run in study.folds}
    known = sorted(int(number) for number in epochs if math.isfinite(number))
    differences = [
        (key.protocol != "published", f"protocol={key.protocol}"),
        (key.reverse != "coefficient", f"reverse={key.reverse}"),
        (bool(training), training),
        (bool(features), f"features {features}"),
        (not any_epochs and known not in ([], [EPOCHS]), f"{' or '.join(map(str, known))} epochs instead of {EPOCHS}"),
        (study.n_folds != published.N_SPLITS, f"{study.n_folds} folds instead of {published.N_SPLITS}"),
        (bool(corpus), corpus),
    ]
    return [words for differs, words in differences if differs]


def _training(study: Study) -> str:
    """Describe a training that is not the published one; runs of before say its name only."""
    name, changed = study.key.trainer, study.folds[0].training
    if name == "published" and not changed:
        return ""
    return f"trainer={name}" + (f" with {changed}" if changed else "")


def beside_table(study: Study) -> Table:
    """Make the table of published values, our values and their differences.

    Our values are the published score under the study's rule, whatever its primary metric, so that they are comparable.
    Cells are truncated, and Δ is computed, as on the page.
    """
    rule, dataset = study.primary_metric[0], study.key.dataset
    theirs, scores = published.table(dataset), {}
    for name in theirs:
        values = [*study.scores(name, rule, "score").values()]
        scores[name] = values if len(values) == len(study.seed_fold_pairs) else None
    ours, delta = published_rows([(name, study.params(name), scores[name]) for name in theirs])
    rows = [
        (text(PLB.display_name(name)), number(row.params), mine[1], *_pairs(row.wa, mine[2:]))
        for mine, (name, row) in zip(ours, theirs.items(), strict=True)
    ]
    rows.append((text("Δ"), TableCell(""), TableCell(""), *_pairs(published.delta(dataset), delta, signed=True)))
    return Table(
        "beside_published",
        f"The published table and ours: {METRIC_NAMES['score']}, {RULE_LABELS[rule]}; "
        "the differences are ours minus published, in points.",
        ("Name", "#Params", "our #Params", *(name for column in COLUMNS for name in _header(column))),
        tuple(rows),
        "l" + "r" * 11,
        _notes(study),
    )


def _header(column: str) -> tuple[str, str, str]:
    return column, f"our {column}", f"{column.partition('_')[0]} difference"


def _pairs(theirs: tuple[float, ...], ours: list[TableCell], *, signed: bool = False) -> list[TableCell]:
    cells = []
    for published_value, mine in zip(theirs, ours, strict=True):
        difference = mine.value - published_value if isinstance(mine.value, float) else None
        shown = TableCell(MISSING) if difference is None else rounded(difference, signed=True)
        cells += [rounded(published_value, signed=signed), mine, shown]
    return cells


def _notes(study: Study) -> tuple[str, ...]:
    differences = departures(study)
    return (f"This study is not the published one: {', '.join(differences)}.",) if differences else ()
