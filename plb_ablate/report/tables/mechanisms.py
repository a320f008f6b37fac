"""What a module's mechanism adds beyond its parameters: its removal and its control side by side."""

from dataclasses import dataclass

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.models.family import WHOLE
from plb_ablate.report.analysis import ALPHA, Analysis, fold_scores, points
from plb_ablate.report.tables.accuracy import METRIC_NAMES
from plb_ablate.report.tables.differences import p_cell
from plb_ablate.report.tables.model import Table, TableCell, rounded, text
from plb_ablate.statistics.answers import belong_together
from plb_ablate.statistics.comparison import compare, holm
from plb_ablate.statistics.paired_test import TTest
from plb_ablate.statistics.population_test import PopulationTest, population_test

__all__ = ["Split", "mechanism_splits", "mechanism_table", "mechanism_words"]

HERE, METHOD = "these trainings", "the method"
"""The two questions (docs/statistics.md)."""

Test = TTest | PopulationTest


@dataclass(frozen=True)
class Split:
    """The difference that a module makes, as a sum of two.

    Parameters
    ----------
    module, question : str
        Name of the module, and `HERE` or `METHOD`.
    removal : TTest or PopulationTest
        Whole minus removed.
    mechanism, rest : TTest or PopulationTest
        Whole minus control; control minus removed, which is what the parameters do without the mechanism.
    """

    module: str
    question: str
    removal: Test
    mechanism: Test
    rest: Test


def mechanism_splits(analysis: Analysis) -> list[Split]:
    """Split the difference of every module whose removal and control have all folds of the whole network."""
    family = analysis.study.key.family
    pairs = {module: control for control, (module, _) in family.controls.items()}
    return [
        split
        for module, control in pairs.items()
        for split in (*_here(analysis, module, control), *_method(analysis, module, control))
    ]


def _method(analysis: Analysis, module: str, control: str) -> list[Split]:
    found, study = analysis.primary_comparisons, analysis.study
    if module not in found or control not in found:
        return []
    frozen, removed = (fold_scores(study, name, *study.primary_metric) for name in (control, module))
    rest = compare(frozen, {module: removed})[module].test
    return [Split(module, METHOD, found[module].test, found[control].test, rest)]


def _here(analysis: Analysis, module: str, control: str) -> list[Split]:
    answers = analysis.predictions.get(analysis.study.primary_metric[0], {})
    if not {WHOLE, module, control} <= answers.keys():
        return []
    whole, removed, frozen = (answers[name] for name in (WHOLE, module, control))
    if not (belong_together(whole, removed) and belong_together(whole, frozen)):
        return []
    pairs = ((whole, removed), (whole, frozen), (frozen, removed))
    removal, mechanism, rest = (population_test(a, b, "wa") for a, b in pairs)
    return [Split(module, HERE, removal, mechanism, rest)]


def _corrected(splits: list[Split]) -> dict[tuple[str, str], tuple[float, float]]:
    """Holm's correction over the modules, for each question, the mechanisms and the rests each a family."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for question in (HERE, METHOD):
        asked = [split for split in splits if split.question == question]
        mechanisms, rests = (holm([getattr(s, part).p for s in asked]) for part in ("mechanism", "rest"))
        for split, mechanism, rest in zip(asked, mechanisms, rests, strict=True):
            found[split.module, question] = (float(mechanism), float(rest))
    return found


def mechanism_table(analysis: Analysis, splits: list[Split]) -> Table:
    """Make the table of modules with a removal and a control."""
    study, corrected = analysis.study, _corrected(splits)
    rule, metric = study.primary_metric
    rows = []
    for split in splits:
        cells: list[TableCell] = [rounded(points(split.removal.mean), signed=True)]
        for test, p in zip((split.mechanism, split.rest), corrected[split.module, split.question], strict=True):
            cells += [rounded(points(value), signed=True) for value in (test.mean, *test.ci95)] + [p_cell(p)]
        rows.append((text(study.display_name(split.module)), text(split.question), *cells))
    ends = ("95 % low", "95 % high", "p (Holm)")
    return Table(
        "mechanisms",
        f"Removal = mechanism + parameters, in points: {HERE} in true WA, {METHOD} in {METRIC_NAMES[metric]}; "
        f"{RULE_LABELS[rule]}.",
        ("Module", "question", "Δ of removing it", "Δ of its mechanism", *ends, "Δ of its parameters", *ends),
        tuple(rows),
        "ll" + "r" * 9,
        (
            "Mechanism: the whole network minus the control, which keeps all parameters of the module but no longer "
            "depends on the input. Parameters: the control minus the removal. The intervals are those of the tables "
            "of differences; Holm's correction is over the modules, for each question; mechanisms and parameters are "
            "a family each.",
        ),
    )


def mechanism_words(analysis: Analysis, splits: list[Split]) -> str:
    """Say of which modules it is shown that the mechanism, or the parameters, matter; for each question."""
    corrected, lines = _corrected(splits), []
    for split in splits:
        name = analysis.study.display_name(split.module)
        parts = (("mechanism", split.mechanism), ("parameters", split.rest))
        p_values = corrected[split.module, split.question]
        words = [
            f"its {part} {'raise' if test.mean > 0 else 'lower'}{'s' * (part == 'mechanism')} it"
            for (part, test), p in zip(parts, p_values, strict=True)
            if p < ALPHA
        ]
        shown = " and ".join(words) or "neither its mechanism nor its parameters are shown to matter"
        lines.append(f"- {name}, {split.question}: {shown}.")
    return "\n".join(lines)
