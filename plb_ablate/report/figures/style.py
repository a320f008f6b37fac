"""Shared by all figures: colours, margins, and axes without the global state of pyplot."""

from typing import TYPE_CHECKING

from plb_ablate.core.library_caches import settle_matplotlib_cache

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BLUE", "DPI", "GREEN", "GREY", "ORANGE", "empty_figure", "label_rows", "row_margins"]

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#767676"
DPI = 120


def label_rows(axes: "Axes", names: list[str]) -> None:
    """Label the rows of horizontal axes, the first at the top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)


def row_margins(names: list[str], *, top: float = 0.55) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top margin, in inches, of a figure with one row for each name."""
    return 0.3 + 0.088 * max(len(name) for name in names), 0.2, 0.55, top


def empty_figure(
    width: float,
    margins: tuple[float, float, float, float],
    height: float,
    rows: int = 1,
    columns: int = 1,
    gaps: tuple[float, float] = (0.3, 0.2),
    *,
    shared: bool = True,
) -> "tuple[Figure, list[Axes]]":
    """Make an empty figure without pyplot's global state.

    Parameters
    ----------
    width, height : float
        Size of all axes together, in inches.
    margins : (float, float, float, float)
        Left, right, bottom, top, in inches. They are fixed, because an automatic layout draws everything twice.
    rows, columns : int
        Number of rows and columns of axes.
    gaps : (float, float)
        Between rows and between columns, as shares of the height and the width of an axes.
    shared : bool
        Whether all axes have the same limits.
    """
    settle_matplotlib_cache()
    from matplotlib.figure import Figure

    left, right, bottom, top = margins
    x, y = width + left + right, height + bottom + top
    figure = Figure((x, y), dpi=DPI)
    figure.subplots_adjust(left / x, bottom / y, 1 - right / x, 1 - top / y, hspace=gaps[0], wspace=gaps[1])
    grid: list[Axes] = [
        *figure.subplots(rows, columns, squeeze=False, sharex=shared and columns > 1, sharey=shared).flat
    ]
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, grid
