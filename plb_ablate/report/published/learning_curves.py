"""Whether the trainings of a study run as the published ones: the tables of their learning curves."""

from collections.abc import Sequence

from plb_ablate.core.errors import PairingError
from plb_ablate.models.plb.family import PLB
from plb_ablate.published.curve_agreement import JUDGED_CURVE, LEVEL, Agreement, compare_curves
from plb_ablate.published.curves import CURVES, rerun_curve
from plb_ablate.published.errata import ERRATA, errata_of_curves
from plb_ablate.report.analysis import Analysis
from plb_ablate.report.published.comparison import departures
from plb_ablate.report.tables.model import MISSING, Table, TableCell, number, rounded, text

__all__ = ["CURVE_NAMES", "agreement_table", "agreements", "judged_table"]

CURVE_NAMES = {"train/batch_loss": "training loss", "train/batch_accuracy": "training accuracy", "test/score": "score"}
"""What a reader sees for each published curve."""


def agreements(analysis: Analysis) -> list[Agreement]:
    """Hold every variant that has its curves and published ones against these; empty for other corpora."""
    key, trainings = analysis.study.key, analysis.trainings
    if trainings is None or not key.of_published_study:
        return []
    departs = departures(analysis.study, any_epochs=True)
    found = []
    for name, folds in trainings.curves.items():
        histories = [{str(column): fold[column].tolist() for column in fold} for fold in folds]
        try:
            found.append(compare_curves(key.dataset, name, histories, departs))
        except PairingError:  # no curve of this variant was published
            continue
    return found


def agreement_table(dataset: str, found: Sequence[Agreement]) -> Table:
    """Make the table of the epochs at which our curves leave the published ones."""
    rows = [
        (
            text(PLB.display_name(agreement.ablation)),
            number(agreement.folds),
            number(agreement.epochs),
            *(text(_outside(agreement, name)) for name in CURVES),
            text(agreement.answer),
            text(agreement.reason),
        )
        for agreement in found
    ]
    outside = (f"{name} outside" for name in CURVE_NAMES.values())
    return Table(
        "learning_curves",
        f"{dataset}: epochs at which the mean of our folds lies outside the {LEVEL:.0%} prediction interval "
        "computed from the ten published folds.",
        ("Name", "folds", "epochs", *outside, "trains like the published one", "why"),
        tuple(rows),
        "lrrlllll",
        _notes(dataset, found),
    )


def _outside(agreement: Agreement, name: str) -> str:
    epochs, compared = agreement.outside[name], agreement.compared[name]
    if not compared:
        return MISSING
    return f"{', '.join(map(str, epochs))} ({len(epochs)} of {compared})" if epochs else f"none of {compared}"


def _notes(dataset: str, found: Sequence[Agreement]) -> tuple[str, ...]:
    notes = [
        f"Even for identical trainings about one epoch in {1 / (1 - LEVEL):.0f} lies outside by chance, and "
        f"neighbouring epochs are correlated. The verdict uses the {CURVE_NAMES[JUDGED_CURVE]} at a few epochs, with "
        f"one band for all of them ({LEVEL:.0%}, Bonferroni). Variants are not independent: in a fold they share the "
        "order of the utterances, and a short last batch weighs as much as a full one."
    ]
    again = [PLB.display_name(a.ablation) for a in found if rerun_curve(dataset, a.ablation, JUDGED_CURVE)]
    if again:
        notes.append(
            f"For {', '.join(again)} the released experiment was run again (fold 0, first epochs). A curve inside the "
            "band of that run counts too, because the published curve may not be its result."
        )
    numbers = errata_of_curves(dataset, [agreement.ablation for agreement in found])
    return (*notes, *(f"Erratum {number}: {ERRATA[number]}" for number in numbers))


def judged_table(dataset: str, found: Sequence[Agreement]) -> Table:
    """Make the table of training losses at the epochs that decide."""
    epochs = list(dict.fromkeys(judged.epoch for agreement in found for judged in agreement.judged))
    rows = []
    for agreement in found:
        judged = {j.epoch: j for j in agreement.judged}
        cells: list[TableCell] = []
        for epoch in epochs:
            j = judged.get(epoch)
            if j is None:
                cells += [TableCell(MISSING)] * 3
            else:
                published = f"{j.published:.4f} ± {j.half:.4f}"
                theirs = TableCell(published, round(j.published, 6))
                cells += [rounded(j.ours, 4), theirs, rounded(j.errors, 1, signed=True)]
        rows.append((text(PLB.display_name(agreement.ablation)), *cells))
    heads = (head for epoch in epochs for head in (f"ours, epoch {epoch}", "published ± band", "difference / SE"))
    return Table(
        "training_loss",
        f"{dataset}: mean training loss over the folds, dropout on, and its difference in standard errors of both.",
        ("Name", *heads),
        tuple(rows),
        "l" + "rrr" * len(epochs),
    )
