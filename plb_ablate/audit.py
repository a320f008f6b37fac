"""``python -m plb_ablate.audit``: check for data leakage between training, validation and test splits."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from plb_ablate.config.compose import compose_config
from plb_ablate.config.protocol import Protocol
from plb_ablate.core.command_line import make_parser
from plb_ablate.core.errors import exit_codes
from plb_ablate.features.dataset import prepare
from plb_ablate.splits.leakage import audit_prepared
from plb_ablate.splits.leakage_report import LeakageReport

__all__ = ["main"]

EXAMPLES = """
examples:
  python -m plb_ablate.audit dataset=ravdess
  python -m plb_ablate.audit dataset=emodb dataset.root=/corpora/emodb protocol=speaker
  python -m plb_ablate.audit dataset=ravdess --json > audit.json
"""


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Print the audit.

    Returns
    -------
    int
        0 if there is no leakage, 1 if there is, or the exit code of an error.
    """
    parser = make_parser(
        "audit",
        "Check every fold for data leakage: speakers, copied recordings and near-duplicate recordings in two of its "
        "splits, and for splits without recordings of a class. Takes the same settings as a sweep.",
        EXAMPLES,
    )
    parser.add_argument("settings", nargs="*", metavar="key=value", help="for example dataset=ravdess protocol=speaker")
    parser.add_argument("--json", action="store_true", help="print the complete audit as JSON")
    options = parser.parse_args(argv)
    config = compose_config(options.settings)
    prepared = prepare(
        config.dataset, Path(config.cache) / "features", features=config.features, protocol=config.protocol.name
    )
    print(*prepared.remarks, sep="\n", end="\n" if prepared.remarks else "", file=sys.stderr)
    report = audit_prepared(prepared, config.protocol)
    if options.json:
        print(json.dumps(report.to_dict(), indent=1))
    else:
        for line in _page(report, config.protocol):
            print(line)
    return 1 if report.leaks else 0


def _page(report: LeakageReport, protocol: Protocol) -> list[str]:
    lines = [
        f"{report.corpus}, protocol={protocol.name}, {report.n_folds} folds, checked: {', '.join(report.checked)}."
    ]
    lines += report.warnings() or ["No leakage found, and every split contains every class."]
    lines += ["", "fold  split       " + "  ".join(report.classes)]
    for entry in report.balance:
        counts = "  ".join(f"{n:>{len(name)}}" for n, name in zip(entry.counts, report.classes, strict=True))
        lines.append(f"{entry.fold:>4}  {entry.side:<10}  {counts}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
