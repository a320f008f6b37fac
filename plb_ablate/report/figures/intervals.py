"""Intervals of both questions in rows: these trainings above, the method below, each in the colour of what it shows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from plb_ablate.report.analysis import effect, points, population_effect
from plb_ablate.report.figures.style import BLUE, GREEN, GREY, ORANGE
from plb_ablate.statistics.comparison import Comparison
from plb_ablate.statistics.population_comparison import PopulationComparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "both_questions", "legend_of_questions"]

COLOURS = {"costs": ORANGE, "gains": BLUE, "equivalent": GREEN, "inconclusive": GREY}


def both_questions(axes: "Axes", rows: Sequence[tuple[Comparison, PopulationComparison | None]]) -> set[str]:
    """Draw each comparison in a row of its own; return what they show, in the words of `COLOURS`."""
    used = set()
    for y, (comparison, here) in enumerate(rows):
        drawn = [("o", effect(comparison), comparison.test.mean, comparison.test.ci95)]
        if here is not None:
            test = here.tests["wa"]
            drawn.insert(0, ("s", population_effect(here), test.mean, test.ci95))
        for place, (marker, word, mean, interval) in enumerate(drawn):
            at = y + 0.34 * (place - (len(drawn) - 1) / 2)
            ends = [points(end) for end in interval]
            _interval(axes, at, points(mean), ends, COLOURS[word], marker, above=place == 0)
            used.add(word)
    return used


def _interval(
    axes: "Axes", y: float, middle: float, ends: list[float], colour: str, marker: str, *, above: bool
) -> None:
    """Draw one interval, with its middle as a number above or below."""
    axes.plot(ends, [y, y], color=colour, linewidth=1.8, solid_capstyle="butt")
    axes.plot(middle, y, marker, color=colour, markersize=6, zorder=3)
    place = (0, 5) if above else (0, -12)
    axes.annotate(f"{middle:+z.2f}", (middle, y), place, textcoords="offset points", ha="center", fontsize=8)


def legend_of_questions(
    axes: "Axes", compared: Iterable[Comparison], meaning: Mapping[str, str], used: Collection[str], *, here: bool
) -> None:
    """Explain markers and colours above the axes.

    Parameters
    ----------
    axes : Axes
    compared : iterable of Comparison
        What is drawn.
    meaning : mapping of str to str
        Word of `COLOURS` to what it means.
    used : collection of str
        The words that occur.
    here : bool
        Whether these trainings are drawn too.
    """
    without = " (no line: no test)" if any(c.test.untestable for c in compared) else ""
    shapes = {"s": "these trainings (true WA, over utterances)", "o": f"the method, trained again{without}"}
    shapes = shapes if here or without else {}
    handles = [axes.plot([], [], marker, color="0.4", label=words)[0] for marker, words in shapes.items()]
    handles += [
        axes.plot([], [], "-", color=COLOURS[word], label=words)[0] for word, words in meaning.items() if word in used
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False)
