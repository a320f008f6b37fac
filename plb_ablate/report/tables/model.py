"""A table of a report, independent of its output as Markdown, CSV, LaTeX or on a terminal."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

__all__ = ["MISSING", "Table", "TableCell", "cut", "number", "rounded", "text"]

MISSING = "–"
"""Text of a cell without a number."""


@dataclass(frozen=True)
class TableCell:
    """One table cell: its text, and its value for programs.

    Parameters
    ----------
    text : str
        Text as shown.
    value : int, float, str or None
        Value in CSV; None for an empty CSV cell.
    best : bool
        Whether it is shown bold and underlined.
    link : str
        Address that the text links to; empty for none.
    """

    text: str
    value: int | float | str | None = None
    best: bool = False
    link: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its caption.

    Parameters
    ----------
    name : str
        File name without suffix.
    caption : str
        Description of the numbers in one line.
    header : tuple of str
        Column names.
    rows : tuple of tuple of TableCell
        Each as long as `header`.
    align : str
        One letter per column, ``l`` or ``r``.
    notes : tuple of str
        Notes below the table.
    """

    name: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    align: str
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        widths = {len(self.header), len(self.align), *map(len, self.rows)}
        if len(widths) != 1:
            raise ValueError(f"table {self.name}: header, align and rows differ in length ({sorted(widths)})")

    def with_best(self, columns: Iterable[int], rows: Sequence[int], *, smallest: bool = False) -> "Table":
        """Mark the best value of each of `columns` among `rows` (all of them if equal)."""
        table = [list(row) for row in self.rows]
        for column in columns:
            values = {i: v for i in rows if isinstance(v := table[i][column].value, int | float)}
            best = (min if smallest else max)(values.values(), default=None)
            for i in values:
                table[i][column] = replace(table[i][column], best=values[i] == best)
        return replace(self, rows=tuple(tuple(row) for row in table))


def text(value: str) -> TableCell:
    """Make a cell of text."""
    return TableCell(value, value or None)


def number(value: float | None, form: str = ",d") -> TableCell:
    """Make a cell of a number in the format `form`; a dash for None and NaN."""
    if value is None or math.isnan(value):
        return TableCell(MISSING)
    return TableCell(format(value, form), value)


def rounded(value: float | None, digits: int = 2, *, signed: bool = False) -> TableCell:
    """Make a cell of a number rounded to `digits` decimals; the CSV has the rounded value, too."""
    return _decimal(value, digits, ROUND_HALF_EVEN, signed)


def cut(value: float | None, digits: int = 2, *, signed: bool = False) -> TableCell:
    """Make a cell of a number truncated to `digits` decimals, as the published page does (88.187 becomes 88.18)."""
    return _decimal(value, digits, ROUND_DOWN, signed)


def _decimal(value: float | None, digits: int, rounding: str, signed: bool) -> TableCell:
    if value is None or not math.isfinite(value):
        return TableCell(MISSING)
    exact = Decimal(repr(round(value, 9))).quantize(Decimal(1).scaleb(-digits), rounding)
    exact = abs(exact) if exact == 0 else exact
    return TableCell(f"{exact:+}" if signed else f"{exact}", float(exact))
