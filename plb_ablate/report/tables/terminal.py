"""Prints a table and a text: formatted on a terminal, otherwise as Markdown."""

import sys

from plb_ablate.report.tables.model import Table
from plb_ablate.report.tables.render import to_markdown, to_rich

__all__ = ["show"]


def show(title: str, table: Table, words: str) -> None:
    """Print a title, a table and a Markdown text to standard output."""
    if not sys.stdout.isatty():
        print(f"## {title}\n", to_markdown(table), words, sep="\n")
        return
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.text import Text

    console = Console()
    console.rule(Text(title))
    console.print(table.caption, to_rich(table), *table.notes, sep="\n", markup=False, highlight=False)
    console.print(Markdown(words))
