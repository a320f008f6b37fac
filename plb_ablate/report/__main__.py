"""The command ``python -m plb_ablate.report``."""

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from plb_ablate.errors import PlbError
from plb_ablate.report.page import heading, sections, write_page
from plb_ablate.report.records import Study
from plb_ablate.report.render import to_markdown, to_rich
from plb_ablate.report.runs import open_store, read_studies
from plb_ablate.report.table import Table

__all__ = ["main"]

EXAMPLES = """
examples:
  python -m plb_ablate.report                        every dataset in ./mlflow.db, into ./reports
  python -m plb_ablate.report --dataset ravdess      one page, reports/ravdess.md
  python -m plb_ablate.report --seed 42 --seed 43    only the runs of these seeds
  python -m plb_ablate.report --tracking-uri http://localhost:5000 --out /tmp/reports
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the reports and print their first tables.

    Returns
    -------
    int
        0, or the exit code of what went wrong, its message on stderr.
    """
    options = _parser().parse_args(argv)
    try:
        _report(options)
    except PlbError as error:
        print(f"plb_ablate.report: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m plb_ablate.report",
        description="Write the tables and figures of finished studies from their MLflow runs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    parser.add_argument("--dataset", help="report this dataset only (default: every dataset in the store)")
    parser.add_argument("--seed", type=int, action="append", default=[], help="use this seed only; may be repeated")
    parser.add_argument("--out", type=Path, default=Path("reports"), help="folder to write to (default: reports)")
    parser.add_argument(
        "--tracking-uri", default=uri, help="MLflow store (default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db)"
    )
    parser.add_argument("--experiment", default="plb_ablate", help="MLflow experiment (default: plb_ablate)")
    return parser


def _report(options: argparse.Namespace) -> None:
    client = open_store(options.tracking_uri)
    studies = read_studies(client, options.experiment, options.dataset, options.seed)
    for dataset, group in groupby(studies, key=lambda study: study.key.dataset):
        found = list(group)
        written = write_page(dataset, found, options.out)
        for study in found:
            _print_study(study)
        print(f"Wrote {written[0]} and {len(written) - 1} files below {options.out / dataset}.")


def _print_study(study: Study) -> None:
    """Print the first table of each section: coloured on a terminal, as Markdown into a pipe."""
    title = f"{study.key.dataset}, {heading(study)}"
    tables: list[Table] = [section.tables[0] for section in sections(study)[:2]]
    if not sys.stdout.isatty():
        print(f"## {title}\n", *(to_markdown(table) for table in tables), sep="\n")
        return
    from rich.console import Console

    console = Console()
    console.rule(title)
    for table in tables:
        console.print(to_rich(table))


if __name__ == "__main__":
    raise SystemExit(main())
