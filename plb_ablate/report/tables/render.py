"""Renders a table as Markdown, CSV, LaTeX or for a terminal; equal tables give equal bytes."""

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from plb_ablate.report.tables.model import Table, TableCell

if TYPE_CHECKING:
    from rich.table import Table as RichTable

__all__ = ["to_csv", "to_latex", "to_markdown", "to_rich"]

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "Δ": r"$\Delta$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "–": "--",
    "<": r"$<$",
    ">": r"$>$",
}


def to_markdown(table: Table) -> str:
    """Render as GitHub Markdown: caption, table, notes; the best value as ``<U>**88.18**</U>``."""
    rule = ["---:" if side == "r" else "----" for side in table.align]
    lines = [_row(table.header), _row(rule), *(_row([_markdown_cell(cell) for cell in row]) for row in table.rows)]
    notes = [f"\n{note}" for note in table.notes]
    return "\n".join([f"{table.caption}\n", *lines, *notes]) + "\n"


def to_csv(table: Table) -> str:
    """Render as CSV: plain numbers without marks; empty cells for missing numbers."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows([cell.value for cell in row] for row in table.rows)
    return buffer.getvalue()


def to_latex(table: Table) -> str:
    r"""Render as a LaTeX ``table`` with booktabs rules (``\usepackage{booktabs}``)."""
    rows = [" & ".join(_latex_cell(cell) for cell in row) + r" \\" for row in table.rows]
    if rows and table.rows[-1][0].text == "Δ":
        rows.insert(-1, r"\midrule")
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{_escape(table.caption)}}}",
        rf"  \label{{tab:{table.name.replace('_', '-')}}}",
        rf"  \begin{{tabular}}{{{table.align}}}",
        r"    \toprule",
        "    " + " & ".join(_escape(name) for name in table.header) + r" \\",
        r"    \midrule",
        *(f"    {row}" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def to_rich(table: Table) -> "RichTable":
    """Render the rows, without caption and notes, for a terminal; the best value is bold and underlined."""
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable()
    for name, side in zip(table.header, table.align, strict=True):
        shown.add_column(Text(name), justify="right" if side == "r" else "left")
    for row in table.rows:
        shown.add_row(*(Text.assemble((cell.text, "bold underline" if cell.best else "")) for cell in row))
    return shown


def _row(cells: tuple[str, ...] | list[str]) -> str:
    return "|" + "|".join(cells) + "|"


def _markdown_cell(cell: TableCell) -> str:
    words = cell.text.replace("|", r"\|")
    words = f"[{words}]({cell.link})" if cell.link else words
    return f"<U>**{words}**</U>" if cell.best else words


def _latex_cell(cell: TableCell) -> str:
    words = _escape(cell.text)
    return rf"\underline{{\textbf{{{words}}}}}" if cell.best else words


def _escape(words: str) -> str:
    return "".join(_LATEX.get(character, character) for character in words)


FORMATS: dict[str, Callable[[Table], str]] = {"csv": to_csv, "tex": to_latex}
"""File suffix to renderer, for the files written with a page."""
