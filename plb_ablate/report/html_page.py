"""All studies on one HTML page: a single file that loads nothing else, with sortable tables."""

import base64
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from plb_ablate.report.figures.comparison import FIGURES
from plb_ablate.report.output_files import write_file
from plb_ablate.report.page import Chapter
from plb_ablate.report.tables.model import TableCell

__all__ = ["write_index"]


def write_index(chapters: Sequence[Chapter], out: Path) -> list[Path]:
    """Write ``<out>/index.html`` from chapters whose figures are already written; return it as `write_file` does.

    Equal chapters give equal bytes.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markdown_it import MarkdownIt

    environment = Environment(
        loader=PackageLoader("plb_ablate.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"markdown": MarkdownIt("commonmark", {"html": False}).render, "sort_key": _sort_key}
    page = environment.get_template("index.html.j2").render(
        chapters=chapters,
        captions={name: caption for name, (caption, _) in FIGURES.items()},
        images=[{name: _data_uri(path) for name, path in chapter.figures.items()} for chapter in chapters],
        style=_asset("report.css"),
        script=_asset("report.js"),
    )
    return write_file(out / "index.html", page)


def _asset(name: str) -> str:
    return resources.files("plb_ablate.report").joinpath("templates", name).read_text(encoding="utf-8")


def _data_uri(picture: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"


def _sort_key(cell: TableCell) -> str:
    """Return the key that the page's script sorts by: a number, a text, or empty."""
    return "" if cell.value is None else repr(cell.value) if isinstance(cell.value, int | float) else cell.value
