"""``python -m plb_ablate.audit``: what one side of a protocol's folds knows of another."""

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
        0 if nothing crosses the sides, 1 if something does, or the exit code of what went wrong.
    """
    parser = make_parser(
        "audit",
        "Look for speakers, copied recordings and nearly equal sounds on two sides of a fold, and for "
        "classes that a side lacks. Takes the same settings as a sweep.",
        EXAMPLES,
    )
    parser.add_argument("settings", nargs="*", metavar="key=value", help="for example dataset=ravdess protocol=speaker")
    parser.add_argument("--json", action="store_true", help="print all that was found as JSON")
    options = parser.parse_args(argv)
    config = compose_config(options.settings)
    prepared = prepare(config.dataset.name, Path(config.dataset.root), Path(config.cache) / "features")
    found = audit_prepared(prepared, config.protocol)
    if options.json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        for line in _page(found, config.protocol):
            print(line)
    return 1 if found.leaks else 0


def _page(found: LeakageReport, protocol: Protocol) -> list[str]:
    lines = [f"{found.corpus}, protocol={protocol.name}, {found.n_folds} folds, looked at: {', '.join(found.checked)}."]
    lines += found.warnings() or ["Nothing crosses the sides, and every side holds every class."]
    lines += ["", "fold  side        " + "  ".join(found.classes)]
    for entry in found.balance:
        counts = "  ".join(f"{n:>{len(name)}}" for n, name in zip(entry.counts, found.classes, strict=True))
        lines.append(f"{entry.fold:>4}  {entry.side:<10}  {counts}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
