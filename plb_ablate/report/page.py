"""Puts a dataset's studies together: one Markdown page, and every table of it as CSV and LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plb_ablate.report.records import STREAMS, Study
from plb_ablate.report.render import FORMATS, to_markdown
from plb_ablate.report.table import Table
from plb_ablate.report.tables import accuracy_table, block_table, wa_table

__all__ = ["Section", "page", "sections", "write_page"]


@dataclass(frozen=True)
class Section:
    """A heading with the tables below it."""

    title: str
    tables: tuple[Table, ...]
    words: str = ""


def sections(study: Study) -> list[Section]:
    """Make the sections of one study, in the order of the page."""
    block = any(name in study.ablations for name in STREAMS)
    return [
        Section("Table in the published layout", (wa_table(study),)),
        *([Section("The block itself", (block_table(study),))] if block else []),
        Section("True accuracies", tuple(accuracy_table(study, rule) for rule in study.rules)),
    ]


def page(dataset: str, studies: Sequence[Study]) -> str:
    """Write a dataset's page as Markdown; the same studies give the same bytes."""
    lines = [f"# {dataset}\n"]
    for study in studies:
        lines.append(f"## {heading(study)}\n")
        for section in sections(study):
            lines.append(f"### {section.title}\n")
            lines += [f"{section.words}\n"] if section.words else []
            lines += [to_markdown(table) for table in section.tables]
    return "\n".join(lines)


def heading(study: Study) -> str:
    """Name a study by what tells it from the others."""
    key = study.key
    seeds = ", ".join(map(str, study.seeds))
    reverse = "" if key.reverse == "coefficient" else f", reverse={key.reverse}"
    return f"protocol={key.protocol}, trainer={key.trainer}{reverse}, seed {seeds} (config {key.config_hash[:8]})"


def write_page(dataset: str, studies: Sequence[Study], out: Path) -> list[Path]:
    """Write ``<out>/<dataset>.md``, and the tables below ``<out>/<dataset>/<study>/``; give the files written."""
    written = [_write(out / f"{dataset}.md", page(dataset, studies))]
    for study in studies:
        folder = out / dataset / study.key.slug
        for table in (table for section in sections(study) for table in section.tables):
            written += [_write(folder / f"{table.name}.{end}", form(table)) for end, form in FORMATS.items()]
    return written


def _write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="\n")
    return path
