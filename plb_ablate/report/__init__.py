"""Finished runs to pages: ``python -m plb_ablate.report`` reads MLflow and writes tables and figures."""

from plb_ablate.report.html_page import write_index
from plb_ablate.report.page import write_chapters, write_page
from plb_ablate.report.records import ConfigRun, FoldRun, Study, StudyKey, group_studies
from plb_ablate.report.render import to_csv, to_latex, to_markdown
from plb_ablate.report.runs import read_studies
from plb_ablate.report.store import open_store
from plb_ablate.report.table import Cell, Table

__all__ = [
    "Cell",
    "ConfigRun",
    "FoldRun",
    "Study",
    "StudyKey",
    "Table",
    "group_studies",
    "open_store",
    "read_studies",
    "to_csv",
    "to_latex",
    "to_markdown",
    "write_chapters",
    "write_index",
    "write_page",
]
