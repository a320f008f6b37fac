"""The figures of modules and pairs: effects with intervals, a heat map of interactions, the lattice of variants.

Equal data give equal bytes.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from plb_ablate.config.protocol import RULE_LABELS
from plb_ablate.report.analysis import Analysis, effect, points
from plb_ablate.report.figures.intervals import both_questions, legend_of_questions
from plb_ablate.report.figures.style import BLUE, GREY, ORANGE, empty_figure, label_rows, row_margins
from plb_ablate.report.tables.accuracy import METRIC_NAMES
from plb_ablate.report.tables.module_effects import pair_name
from plb_ablate.statistics.contrast_tests import Estimate
from plb_ablate.statistics.equivalence import ROPE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["effects", "interactions", "variants"]

MEANING = {
    "costs": "above 0: matters; need each other",
    "gains": "below 0: harms; one replaces the other",
    "equivalent": f"within ±{100 * ROPE:g} point",
    "inconclusive": "open",
}
LABELLED = 12
"""Most variants with equally many removals that are labelled."""


def effects(analysis: Analysis) -> "Figure | None":
    """Draw the effect of each module, then the interaction of each pair, with intervals; None if there are none."""
    found = analysis.module_effects
    estimates = [*found.effects, *found.interactions] if found else []
    if found is None or not estimates:
        return None
    here = any(estimate.population for estimate in estimates)
    names = [pair_name(found.family, estimate.contrast.modules) for estimate in estimates]
    height = len(estimates) * (0.68 if here else 0.36)
    figure, (axes,) = empty_figure(5.6, row_margins(names, top=0.8), height)
    axes.axvspan(-100 * ROPE, 100 * ROPE, color="0.92", zorder=0)
    axes.axvline(0, color="0.4", linewidth=0.8, zorder=1)
    used = both_questions(axes, [(estimate.comparison, estimate.population) for estimate in estimates])
    if found.effects and found.interactions:
        axes.axhline(len(found.effects) - 0.5, color="0.4", linewidth=0.8, linestyle="--")
    label_rows(axes, names)
    axes.set_xlabel(f"points, {RULE_LABELS[analysis.study.primary_metric[0]]}; grey: ±{100 * ROPE:g} point", fontsize=9)
    legend_of_questions(axes, [estimate.comparison for estimate in estimates], MEANING, used, here=here)
    return figure


def interactions(analysis: Analysis) -> "Figure | None":
    """Draw the interaction of every pair as a coloured square, and effects of modules on the diagonal; None without.

    A star marks what is shown for the method, a ring what is shown for these trainings only.
    """
    found = analysis.module_effects
    if found is None or not found.interactions:
        return None
    modules = found.lattice.modules
    by_modules = {e.contrast.modules: e for e in (*found.effects, *found.interactions)}
    names, m = [found.family.display_name(module) for module in modules], len(modules)
    left, size = 0.3 + 0.088 * max(map(len, names)), 0.85 * m
    figure, (axes,) = empty_figure(size, (left, 0.2, 0.55, 0.55), size)
    largest = max((abs(points(e.comparison.test.mean)) for e in by_modules.values()), default=0.0) or 1.0
    for y, one in enumerate(modules):
        for x, other in enumerate(modules[: y + 1]):
            estimate = by_modules.get((one,) if x == y else (other, one))
            settled = (other, one) in found.contrasts.constructed
            _square(axes, x, y, estimate, largest, "by con-\nstruction" if settled else "–", framed=x == y)
    axes.set_xticks(range(m), names, fontsize=9)
    axes.set_yticks(range(m), names, fontsize=9)
    axes.set_xlim(-0.5, m - 0.5)
    axes.set_ylim(m - 0.5, -0.5)
    words = "the method, in points; diagonal: effects\n* shown for the method, ° shown for these trainings only"
    axes.set_title(words, fontsize=9, loc="left", x=0 if m > 3 else -0.2)
    return figure


def _square(
    axes: "Axes", x: int, y: int, estimate: Estimate | None, largest: float, otherwise: str, *, framed: bool
) -> None:
    """Draw one square: orange above 0, blue below, the darker the larger; empty with words if nothing is estimated."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    words, colour = otherwise, (1.0, 1.0, 1.0)
    if estimate is not None:
        value = points(estimate.comparison.test.mean)
        share = 0.85 * abs(value) / largest
        red, green, blue = (1 - share * (1 - part) for part in to_rgb(ORANGE if value > 0 else BLUE))
        colour, word = (red, green, blue), effect(estimate.comparison, estimate.population)
        mark = {"costs": "*", "gains": "*", "costs_here": "°", "gains_here": "°"}.get(word, "")
        words = f"{value:+z.2f}{mark}"
    edge, width = ("0.3", 1.2) if framed else ("0.85", 0.8)
    axes.add_patch(Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, facecolor=colour, edgecolor=edge, linewidth=width))
    axes.text(x, y, words, ha="center", va="center", fontsize=9 if estimate else 7)


def variants(analysis: Analysis) -> "Figure | None":
    """Draw the mean score of every variant by the number of modules that it lacks; lines remove one module alone.

    None if the study has no effects of modules.
    """
    found = analysis.module_effects
    if found is None or not (found.effects or found.interactions):
        return None
    lacks, means = found.lattice.lacks, {name: 100 * mean for name, mean in found.means.items()}
    columns: dict[int, list[str]] = {}
    for name in sorted(means, key=lambda name: -means[name]):
        columns.setdefault(len(lacks[name]), []).append(name)
    tallest = max(map(len, columns.values()))
    height = max(3.5, 0.5 * min(tallest, LABELLED))
    figure, (axes,) = empty_figure(1.75 * (len(columns) + 0.5), (0.7, 0.1, 0.55, 0.35), height)
    for module in found.lattice.modules:
        for there, gone in found.lattice.steps(module):
            if there in means and gone in means:
                colour = ORANGE if means[gone] < means[there] else BLUE
                ends = ([len(lacks[there]), len(lacks[gone])], [means[there], means[gone]])
                axes.plot(*ends, color=colour, linewidth=0.7, alpha=0.35, zorder=1)
    low, high = min(means.values()), max(means.values())
    room = 0.16 / height * (high - low or 1.0)
    for column, names in columns.items():
        axes.plot([column] * len(names), [means[name] for name in names], "o", color=GREY, markersize=5, zorder=3)
        for name, y in _apart(means, names, room) if len(names) <= LABELLED else ():
            label = found.family.display_name(name).replace("+", " + ")
            words = axes.text(column + 0.09, y, label, fontsize=6.5, va="center", zorder=4)
            words.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.4})
    axes.plot([], [], color=ORANGE, label="worse when one more module is removed")
    axes.plot([], [], color=BLUE, label="better or equal")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False)
    axes.set_xticks(sorted(columns))
    axes.set_xlim(min(columns) - 0.3, max(columns) + 1.2)
    rule, metric = analysis.study.primary_metric
    axes.set_xlabel("number of modules that the network lacks, idle ones included", fontsize=9)
    axes.set_ylabel(f"mean {METRIC_NAMES[metric]} (%),\n{RULE_LABELS[rule]}", fontsize=9)
    return figure


def _apart(means: Mapping[str, float], names: Sequence[str], room: float) -> list[tuple[str, float]]:
    """Return heights of labels, from the highest down, that are at least `room` apart and near their points."""
    heights: list[float] = []
    for name in names:
        heights.append(min(means[name], heights[-1] - room if heights else math.inf))
    shift = sum(means[name] - height for name, height in zip(names, heights, strict=True)) / len(names)
    return [(name, height + shift / 2) for name, height in zip(names, heights, strict=True)]
