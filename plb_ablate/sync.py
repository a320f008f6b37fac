"""``python -m plb_ablate.sync``: upload to MLflow the results of a ledger that the store does not have yet."""

import sys
from collections.abc import Sequence
from pathlib import Path

from plb_ablate.core.command_line import make_parser, path_argument
from plb_ablate.core.errors import exit_codes
from plb_ablate.core.progress_bar import with_progress
from plb_ablate.ledger.store import Ledger
from plb_ablate.tracking.mlflow_writer import Tracker
from plb_ablate.tracking.race_tags import tag_races
from plb_ablate.tracking.store_options import add_store_options, chosen_store

__all__ = ["main"]

EXAMPLES = """
examples:
  python -m plb_ablate.sync                                   from ./ledger into ./mlflow.db
  python -m plb_ablate.sync --tracking-uri http://localhost:5000
"""


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Upload.

    Returns
    -------
    int
        0, or the exit code of an error, whose message is printed on standard error.
    """
    parser = make_parser(
        "sync", "Upload finished results of a ledger to an MLflow store that does not have them yet.", EXAMPLES
    )
    parser.add_argument(
        "--ledger", type=path_argument, default=Path("ledger"), help="folder of results (default: ledger)"
    )
    add_store_options(parser)
    options = parser.parse_args(argv)
    tracker = Tracker(chosen_store(options), Ledger(options.ledger))
    pending = tracker.pending()
    for entry in with_progress(pending, "Uploading", len(pending)):
        tracker.upload(entry)
    tag_races(tracker)
    known = f" {tracker.known} others were there already." if tracker.known else ""
    print(f"{len(pending) - tracker.known} results uploaded to {options.experiment}.{known}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
