"""The command ``python -m plb_ablate.report``."""

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from plb_ablate.core.command_line import make_parser, path_argument
from plb_ablate.core.errors import OutputError, exit_codes
from plb_ablate.report.analysis import analyse
from plb_ablate.report.attach import attach
from plb_ablate.report.html_page import write_index
from plb_ablate.report.output_files import all_that_can_be_written
from plb_ablate.report.page import Chapter, heading, write_chapters, write_page
from plb_ablate.report.published.page import printed_table, published_race, published_verdict, write_published
from plb_ablate.report.read_artifacts import read_trainings
from plb_ablate.report.read_predictions import read_predictions
from plb_ablate.report.read_runs import read_leaks, read_studies
from plb_ablate.report.tables.accuracy import wa_table
from plb_ablate.report.tables.benchmarks import read_measurements
from plb_ablate.report.tables.differences import comparison_table
from plb_ablate.report.tables.terminal import show
from plb_ablate.report.tables.verdict import verdict
from plb_ablate.tracking.mlflow_reader import run_page
from plb_ablate.tracking.store import open_store
from plb_ablate.tracking.store_options import add_store_options, chosen_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["main"]

EXAMPLES = """
examples:
  python -m plb_ablate.report                        every dataset in ./mlflow.db, into ./reports (see its index.html)
  python -m plb_ablate.report --dataset ravdess      one page, reports/ravdess.md
  python -m plb_ablate.report --seed 42 --seed 43    only the runs of these seeds
  python -m plb_ablate.report --attach               also as artifacts of the run `report` in MLflow
  python -m plb_ablate.report --published            the same statistics for the published folds; needs no runs
  python -m plb_ablate.report --tracking-uri http://localhost:5000 --out /tmp/reports
"""


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for garbage rarely: Python goes through all records of thousands of runs each time, and none is garbage."""
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


@_few_collections()
@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Write the reports, and print the table and the verdict of each study.

    Returns
    -------
    int
        0, or the exit code of an error, whose message is printed on standard error.
    """
    options = _parser().parse_args(argv)
    if options.published:
        with all_that_can_be_written():
            _published(options)
        return 0
    client = open_store(str(chosen_store(options).uri))
    try:
        with all_that_can_be_written():
            datasets = _report(options, client)
    except OutputError:
        if options.attach:
            print("The report is not complete, and therefore not stored in MLflow.", file=sys.stderr)
        raise
    if options.attach:
        run = attach(client, options.experiment, options.out, datasets)
        print(f"Stored the report in MLflow, as artifacts of the run {run}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = make_parser("report", "Write the tables and figures of finished studies from their MLflow runs.", EXAMPLES)
    parser.add_argument("--dataset", help="report only this dataset (default: every dataset in the store)")
    parser.add_argument("--seed", type=int, action="append", default=[], help="use only this seed; may be repeated")
    parser.add_argument(
        "--out", type=path_argument, default=Path("reports"), help="folder to write to (default: reports)"
    )
    add_store_options(parser)
    parser.add_argument(
        "--attach", action="store_true", help="also store the report in MLflow, as artifacts of the run `report`"
    )
    parser.add_argument(
        "--published",
        action="store_true",
        help="report the published folds instead of runs (writes reports/published.md)",
    )
    return parser


def _report(options: argparse.Namespace, client: "MlflowClient") -> list[str]:
    """Write the reports and print their tables; return their datasets."""
    studies = read_studies(client, options.experiment, options.dataset, options.seed)
    link = run_page(client, options.experiment)
    whole: list[Chapter] = []
    for dataset, group in groupby(studies, key=lambda study: study.key.dataset):
        measured = read_measurements(client, options.experiment, dataset)
        analyses = [
            analyse(
                study,
                read_leaks(client, study),
                read_trainings(client, study),
                link,
                measured,
                read_predictions(client, study),
            )
            for study in group
        ]
        chapters = write_chapters(dataset, analyses, options.out)
        written = write_page(dataset, chapters, options.out)
        whole += chapters
        for analysis in analyses:
            show(f"{dataset}, {heading(analysis.study)}", wa_table(analysis.study), verdict(analysis))
        files = sum(len(chapter.files) for chapter in chapters)
        print(f"Wrote {''.join(f'{page} and ' for page in written)}{files} files in {options.out / dataset}.")
    for index in write_index(whole, options.out):
        print(f"Wrote {index}, which has everything on one page for a browser.")
    return list(dict.fromkeys(chapter.dataset for chapter in whole))


def _published(options: argparse.Namespace) -> None:
    analyses, written = write_published(options.out, options.dataset)
    for analysis in analyses:
        dataset = analysis.study.key.dataset
        table = comparison_table(analysis) if analysis.primary_comparisons else printed_table(dataset)
        show(f"{dataset}, published folds", table, published_verdict(analysis))
        if analysis.primary_comparisons:
            race, _, words = published_race(analysis)
            show(f"{dataset}, published folds raced", race, words)
    pages = [path for path in written if path.suffix == ".md"]
    files = len(written) - len(pages)
    print(f"Wrote {''.join(f'{page} and ' for page in pages)}{files} files in {options.out / 'published'}.")


if __name__ == "__main__":
    raise SystemExit(main())
