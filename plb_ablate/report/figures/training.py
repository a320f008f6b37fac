"""Figures of trainings and networks: learning curves, confusion matrices, parameters by module."""

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from plb_ablate.models.plb.family import PLB
from plb_ablate.published.curve_agreement import JUDGED_CURVE, History, our_values
from plb_ablate.published.curves import CURVES, curves_known, published_curve
from plb_ablate.report.analysis import Analysis
from plb_ablate.report.figures.style import BLUE, GREY, ORANGE, empty_figure, label_rows, row_margins
from plb_ablate.report.published.learning_curves import CURVE_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

__all__ = ["confusion", "curves", "draw_published_curves", "parameters", "published_curves"]

COLUMNS = 3
"""Number of panels in a row."""

SPLITS = {
    "train/accuracy": (GREY, "training"),
    "validation/wa": (BLUE, "validation"),
    "test/wa": (ORANGE, "test"),
}
"""Curve to colour and name."""

MODULE_COLOURS = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
    "#767676",
    "#332288",
    "#AA4499",
)
"""Distinguishable for colour-blind readers; the order is the same as in the legend."""


def curves(analysis: Analysis) -> "Figure | None":
    """Draw accuracy by epoch: mean and range of the folds; None if no curves are stored."""
    from matplotlib.ticker import MaxNLocator

    trainings = analysis.trainings
    if trainings is None:
        return None
    names = [*trainings.curves]
    rows = math.ceil(len(names) / COLUMNS)
    columns = min(COLUMNS, len(names))
    figure, grid = empty_figure(2.8 * columns, (0.6, 0.1, 0.5, 0.65), 2.0 * rows, rows, columns, (0.3, 0.1))
    for axes, name in zip(grid, names, strict=False):
        _curves_of(axes, trainings.curves[name])
        axes.set_title(analysis.study.display_name(name), fontsize=9)
    for axes in grid[len(names) :]:
        axes.set_visible(False)
    for axes in grid[::columns]:
        axes.set_ylabel("accuracy", fontsize=9)
    grid[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    inches = figure.get_figheight()
    figure.text(
        0.5, 0.12 / inches, f"epoch; mean and range of the folds, seed {trainings.seed}", ha="center", fontsize=9
    )
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", ncols=3, fontsize=8, frameon=False)
    return figure


def _curves_of(axes: "Axes", folds: "tuple[DataFrame, ...]") -> None:
    epochs = min(map(len, folds))
    xs = range(1, epochs + 1)
    for column, (colour, split) in SPLITS.items():
        if column in folds[0]:
            values = [fold[column].to_numpy()[:epochs] for fold in folds]
            axes.fill_between(
                xs,
                [min(at) for at in zip(*values, strict=True)],
                [max(at) for at in zip(*values, strict=True)],
                color=colour,
                alpha=0.15,
                linewidth=0,
            )
            axes.plot(xs, sum(values) / len(values), color=colour, linewidth=1.4, label=split)
    axes.set_ylim(0, 1)
    axes.grid(axis="y", color="0.92")


def published_curves(analysis: Analysis) -> "Figure | None":
    """Draw our learning curves and the published ones (mean and range of the folds); None if either is missing.

    One row per variant: training loss and training accuracy, both with dropout, and the published score on the test
    fold.
    """
    key, trainings = analysis.study.key, analysis.trainings
    known = curves_known(key.dataset) if key.of_published_study else ()
    folds = {} if trainings is None else trainings.curves
    names = [name for name in folds if name in known and all(JUDGED_CURVE in fold for fold in folds[name])]
    if not names:
        return None
    return draw_published_curves(
        analysis.study.key.dataset,
        {name: [{curve: fold[curve].tolist() for curve in CURVES} for fold in folds[name]] for name in names},
    )


def draw_published_curves(dataset: str, histories: Mapping[str, Sequence[History]]) -> "Figure":
    """Draw the curves of variants, one history (see `CURVES`) for each fold, and the published ones."""
    from matplotlib.ticker import MaxNLocator

    rows = len(histories)
    figure, grid = empty_figure(8.4, (0.7, 0.1, 0.55, 0.75), 1.7 * rows, rows, len(CURVES), (0.3, 0.25), shared=False)
    for row, (name, folds) in enumerate(histories.items()):
        for axes, curve in zip(grid[row * len(CURVES) :], CURVES, strict=False):
            epochs = range(1, 1 + min(len(fold[curve]) for fold in folds))
            theirs = published_curve(dataset, name, curve)
            shown = [int(epoch) for epoch in theirs.epochs if epoch <= len(epochs)]
            _mean_and_range(axes, shown, theirs.at(shown), GREY, "published, 10 folds")
            _mean_and_range(axes, epochs, our_values(folds, curve, epochs), ORANGE, "ours")
            axes.grid(axis="y", color="0.92")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.tick_params(labelsize=8)
            axes.set_title(f"{PLB.display_name(name)}: {CURVE_NAMES[curve]}", fontsize=9)
    inches = figure.get_figheight()
    counts = ", ".join(
        f"{n} of {PLB.display_name(name)}" for name, folds in histories.items() if (n := len(folds)) != 10
    )
    words = f"epoch; mean and range of the folds{f' (ours: {counts})' if counts else ''}"
    figure.text(0.5, 0.12 / inches, words, ha="center", fontsize=9)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="upper left", ncols=2, fontsize=8, frameon=False)
    return figure


def _mean_and_range(axes: "Axes", epochs: Sequence[int], values: Any, colour: str, label: str) -> None:
    axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, linewidth=0)
    axes.plot(epochs, values.mean(axis=0), color=colour, linewidth=1.4, label=label)


def confusion(analysis: Analysis) -> "Figure | None":
    """Draw every variant's confusion matrix, summed over the folds; None if none is stored."""
    from plb_ablate.tracking.cell_figures import draw_confusion

    trainings = analysis.trainings
    if trainings is None:
        return None
    names = [*trainings.confusions]
    classes = len(trainings.confusions[names[0]])
    columns, rows = min(COLUMNS, len(names)), math.ceil(len(names) / COLUMNS)
    side, label = 0.8 + 0.42 * classes, 0.35 + 0.075 * max(len(str(label)) for label in trainings.confusions[names[0]])
    width, height = columns * side + (columns - 1) * (label + 0.2), rows * side + (rows - 1) * (label + 0.6)
    gaps = ((label + 0.6) / side, (label + 0.2) / side)
    figure, grid = empty_figure(width, (label + 0.1, 0.1, label + 0.2, 0.35), height, rows, columns, gaps, shared=False)
    for axes, name in zip(grid, names, strict=False):
        draw_confusion(axes, trainings.confusions[name], analysis.study.display_name(name))
    for axes in grid[len(names) :]:
        axes.set_visible(False)
    return figure


def parameters(analysis: Analysis) -> "Figure | None":
    """Draw the parameters of every variant, stacked by module; None if no run has them."""
    study = analysis.study
    counted = [(name, config.modules) for name in study.ablations if (config := study.config(name)) and config.modules]
    if not counted:
        return None
    modules = [*dict.fromkeys(module for _, counts in counted for module in counts)]
    names = [study.display_name(name) for name, _ in counted]
    figure, (axes,) = empty_figure(6.4, row_margins(names, top=0.85), len(counted) * 0.36)
    left = [0] * len(counted)
    for module, colour in zip(modules, cycle(MODULE_COLOURS)):
        right = [start + counts.get(module, 0) for start, (_, counts) in zip(left, counted, strict=True)]
        present = [y for y in range(len(counted)) if right[y] > left[y]]
        starts, ends = [left[y] for y in present], [right[y] for y in present]
        axes.hlines(
            present, starts, ends, colour, linewidth=17, label=module
        )  # one artist per module is faster than one per bar
        left = right
    for y, total in enumerate(left):
        axes.annotate(f"{total:,}", (total, y), (3, 0), textcoords="offset points", va="center", fontsize=8)
    label_rows(axes, names)
    axes.set_xlim(0, max(left) * 1.12)
    axes.set_xlabel("parameters")
    legend = axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, fontsize=8, frameon=False)
    for line in legend.get_lines():
        line.set_linewidth(6)
    return figure
