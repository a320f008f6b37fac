"""The list of a page's figures, and the figures of differences: Δ with intervals, paired folds, optimism gap.

Equal data give equal bytes.
"""

import io
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.core.library_caches import settle_matplotlib_cache
from plb_ablate.report.analysis import Analysis
from plb_ablate.report.figures.intervals import both_questions, legend_of_questions
from plb_ablate.report.figures.module_effects import effects, interactions, variants
from plb_ablate.report.figures.style import BLUE, GREY, ORANGE, empty_figure, label_rows, row_margins
from plb_ablate.report.figures.training import confusion, curves, parameters, published_curves
from plb_ablate.report.output_files import write_file
from plb_ablate.report.tables.accuracy import METRIC_NAMES
from plb_ablate.report.tables.optimism_gap import mean_scores
from plb_ablate.statistics.equivalence import ROPE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "forest", "gap", "paired", "save_figure", "write_figures"]

EFFECTS = {
    "costs": "significant loss when removed",
    "gains": "significant gain when removed",
    "equivalent": "equivalent when removed",
    "inconclusive": "open",
}
RULE_STYLES = {"best_test": (ORANGE, "o"), "best_validation": (BLUE, "s"), "last": (GREY, "D")}
PANELS = 6
"""Number of variants in one row of the paired figure."""


def forest(analysis: Analysis) -> "Figure | None":
    """Draw Δ of every variant with its 95 % intervals; None if nothing was compared.

    In each row, the interval of the trained networks is above that of the method; a colour is what its own question
    shows.
    """
    rows = [*analysis.primary_comparisons.items()]
    if not rows:
        return None
    populations = analysis.population_comparisons
    height = 0.68 if populations else 0.36
    names = [analysis.study.display_name(name) for name, _ in rows]
    figure, (axes,) = empty_figure(5.6, row_margins(names), len(rows) * height)
    axes.axvspan(-100 * ROPE, 100 * ROPE, color="0.92", zorder=0)
    axes.axvline(0, color="0.4", linewidth=0.8, zorder=1)
    used = both_questions(axes, [(c, populations.get(name)) for name, c in rows])
    label_rows(axes, names)
    rule = RULE_LABELS[analysis.study.primary_metric[0]]
    axes.set_xlabel(f"Δ, proposed minus variant (points), {rule}; grey: ±{100 * ROPE:g} point", fontsize=9)
    legend_of_questions(axes, [c for _, c in rows], EFFECTS, used, here=bool(populations))
    return figure


def paired(analysis: Analysis) -> "Figure | None":
    """Draw the score of every fold with the proposed model and with the variant; None if nothing was compared."""
    names = [*analysis.primary_comparisons]
    if not names:
        return None
    study, (rule, metric) = analysis.study, analysis.study.primary_metric
    lines = math.ceil(len(names) / PANELS)
    columns = max(3, min(len(names), PANELS))
    titles = {name: _broken(study.display_name(name)) for name in names}
    bottom = 0.65 + 0.15 * max(title.count("\n") for title in titles.values())
    figure, grid = empty_figure(1.35 * columns, (0.7, 0.1, bottom, 0.35), 2.6 * lines, lines)
    proposed = _by_fold(study.scores("none", rule, metric))
    for i, axes in enumerate(grid):
        shown = names[i * PANELS : (i + 1) * PANELS]
        for x, name in enumerate(shown):
            _slopes(axes, 2 * x, proposed, _by_fold(study.scores(name, rule, metric)))
        axes.set_xticks([2 * x + 0.5 for x in range(len(shown))], [titles[name] for name in shown], fontsize=8)
        axes.set_xlim(-0.6, 2 * columns - 0.4)
        axes.set_ylabel(f"{'published WA' if metric == 'score' else 'WA'} (%)")
        axes.grid(axis="y", color="0.92")
    line = "one fold" if len(study.seeds) == 1 else f"one fold, mean of {len(study.seeds)} seeds"
    grid[0].set_title(f"each line: {line}; proposed (left), variant (right)", fontsize=9, loc="left")
    grid[0].plot([], [], color=ORANGE, label="worse when removed")
    grid[0].plot([], [], color=BLUE, label="better or equal when removed")
    grid[0].plot([], [], "_", color="black", markersize=12, label="mean")
    figure.legend(loc="lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def _by_fold(scores: Mapping[tuple[int, int], float]) -> list[float]:
    """Return the mean over seeds of each fold's score, in percent."""
    folds: dict[int, list[float]] = {}
    for (_, fold), score in scores.items():
        folds.setdefault(fold, []).append(100 * score)
    return [fmean(folds[fold]) for fold in sorted(folds)]


def _broken(name: str) -> str:
    """Return a variant's name in lines of two parts, to fit below a panel."""
    parts = name.split("+")
    return "+\n".join("+".join(parts[i : i + 2]) for i in range(0, len(parts), 2))


def _slopes(axes: "Axes", x: int, left: list[float], right: list[float]) -> None:
    for colour, worse in ((ORANGE, True), (BLUE, False)):
        pairs = [(a, b) for a, b in zip(left, right, strict=True) if (b < a) == worse]
        xs = [value for _ in pairs for value in (x, x + 1, math.nan)]
        ys = [value for a, b in pairs for value in (a, b, math.nan)]
        axes.plot(xs, ys, "o-", color=colour, markersize=3, linewidth=1, alpha=0.7)
    axes.plot([x, x + 1], [fmean(left), fmean(right)], "_", color="black", markersize=12, markeredgewidth=2, zorder=3)


def gap(analysis: Analysis) -> "Figure | None":
    """Draw the mean score of every complete variant under each rule; None with one rule or no complete variant."""
    study = analysis.study
    means = {name: mean_scores(study, name) for name in study.ablations}
    means = {name: by_rule for name, by_rule in means.items() if len(by_rule) > 1}
    if not means:
        return None
    names = [study.display_name(name) for name in means]
    figure, (axes,) = empty_figure(5.6, row_margins(names), len(means) * 0.36)
    for y, scores in enumerate(means.values()):
        axes.plot([min(scores.values()), max(scores.values())], [y, y], color="0.8", linewidth=2, zorder=1)
    for rule in study.rules:
        colour, marker = RULE_STYLES[rule]
        ys = [y for y, scores in enumerate(means.values()) if rule in scores]
        xs = [scores[rule] for scores in means.values() if rule in scores]
        axes.plot(xs, ys, marker, color=colour, markersize=6, linestyle="none", label=RULE_LABELS[rule])
    label_rows(axes, names)
    axes.set_xlabel(f"mean {METRIC_NAMES[study.primary_metric[1]]} (%)")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False)
    return figure


FIGURES: dict[str, tuple[str, Callable[[Analysis], "Figure | None"]]] = {
    "forest": ("Δ of every variant with its 95 % interval", forest),
    "effects": ("Effects of modules and interactions of pairs with their 95 % intervals", effects),
    "interactions": ("Interactions of all pairs of modules", interactions),
    "variants": ("Mean score of every variant by the number of modules that it lacks", variants),
    "paired": ("Scores of each fold, proposed model and variant", paired),
    "curves": ("Accuracy by epoch", curves),
    "published_curves": ("Our learning curves and the published ones", published_curves),
    "confusion": ("Confusion matrices, summed over the folds", confusion),
    "gap": ("Mean score under each epoch-selection rule", gap),
    "parameters": ("Parameters of every variant by module", parameters),
}
"""File name to caption and drawing function."""


def write_figures(analysis: Analysis, folder: Path) -> list[Path]:
    """Write the figures that a study has data for as PNG; return the files."""
    settle_matplotlib_cache()
    import matplotlib

    written = []
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, (_, draw) in FIGURES.items():
            figure = draw(analysis)
            if figure is not None:
                written += save_figure(figure, folder / f"{name}.png")
    return written


def save_figure(figure: "Figure", path: Path) -> list[Path]:
    """Write a figure as PNG, equal bytes for equal figures; return the file as `write_file` does."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return write_file(path, content.getvalue())
