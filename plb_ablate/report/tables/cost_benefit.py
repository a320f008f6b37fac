"""Cost and benefit of each module: the parameters saved by a removal, and the accuracy lost."""

import math
from statistics import fmean

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.report.analysis import Analysis, effect, points
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import METRIC_NAMES
from plb_ablate.report.tables.model import MISSING, Table, TableCell, cut, number, rounded, text

__all__ = ["cost_table"]

_READINGS = {
    "costs": "significant loss",
    "gains": "smaller and significantly better",
    "equivalent": "smaller and equivalent",
    "costs_here": "significant loss, these trainings only",
    "gains_here": "smaller and significantly better, these trainings only",
    "equivalent_here": "smaller and equivalent, these trainings only",
    "inconclusive": "inconclusive",
}


def cost_table(analysis: Analysis) -> Table:
    """Make the table of parameters, Δ per 1,000 removed parameters, training time and WA per parameter."""
    study = analysis.study
    rule, metric = study.primary_metric
    rows = [_row(analysis, name) for name in study.ablations]
    table = Table(
        "cost",
        f"Cost and benefit; Δ in points of {METRIC_NAMES[metric]}, {RULE_LABELS[rule]}.",
        ("Name", "#Params", "removed", "Δ", "Δ per 1,000 removed", "seconds per fold", "WA/#Params(%)", "reading"),
        tuple(rows),
        "lrrrrrrl",
        (
            "WA/#Params is the mean WA in percent per 1,000 parameters, as in the published trade-off tables "
            "(88.18 / 95.288 = 92.54 %). *Inconclusive* does not mean that there is no loss: see the minimum "
            "detectable Δ in the table of differences. Seconds are the mean time of one training.",
        ),
    )
    return table.with_best((6,), range(len(rows)))


def _row(analysis: Analysis, name: str) -> tuple[TableCell, ...]:
    study, comparison = analysis.study, analysis.primary_comparisons.get(name)
    params, full = study.params(name), study.params("none")
    removed = full - params if params is not None and full is not None and name != "none" else None
    delta = points(comparison.test.mean) if comparison else math.nan
    seconds = [run.seconds for run in study.runs(name).values() if math.isfinite(run.seconds)]
    word = effect(comparison, analysis.population_comparisons.get(name)) if comparison else ""
    reading = text(_READINGS[word]) if word else TableCell("" if name == "none" else MISSING)
    return (
        text(study.display_name(name)),
        number(params),
        number(removed),
        rounded(delta, signed=True),
        rounded(1000 * delta / removed if removed else None, 3, signed=True),
        rounded(fmean(seconds) if seconds else None, 1),
        cut(_ratio(study, name, params)),
        reading,
    )


def _ratio(study: Study, name: str, params: int | None) -> float | None:
    """Return mean WA in percent per 1,000 parameters, in percent."""
    scores = study.scores(name, *study.primary_metric)
    if not params or len(scores) < len(study.seed_fold_pairs):
        return None
    return 100 * 100 * fmean(scores.values()) / (params / 1000)
