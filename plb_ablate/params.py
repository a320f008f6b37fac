"""``python -m plb_ablate.params``: parameters of every variant, by module, compared with the published counts."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from plb_ablate.config.variants import NETWORKS, network_names, same_network_notes
from plb_ablate.core.command_line import make_parser
from plb_ablate.core.errors import exit_codes
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.data.registry import READERS
from plb_ablate.published import tables as published

__all__ = ["ParameterCount", "counts", "main"]

EXAMPLES = """
examples:
  python -m plb_ablate.params                     the rows of the published tables, and all single removals
  python -m plb_ablate.params --all               also every distinct network of combined removals
  python -m plb_ablate.params --dataset ravdess --json
"""


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of one variant on one dataset, by module; `published` is None if the page has no such row."""

    dataset: str
    ablation: str
    total: int
    modules: dict[str, int]
    published: int | None

    @property
    def verdict(self) -> str:
        """``agrees``, ``DIFFERS``, or empty if there is no published count."""
        if self.published is None:
            return ""
        return "agrees" if self.published == self.total else "DIFFERS"


def counts(datasets: Sequence[str], ablations: Sequence[str]) -> list[ParameterCount]:
    """Build every variant and count its parameters."""
    rows = []
    with redirect_output(Path(os.devnull)):  # hides TensorFlow's messages about its build and devices
        from plb_ablate.models.inspection import module_parameters
        from plb_ablate.models.plb.network import build_model

        for dataset in datasets:
            printed = published.table(dataset) if dataset in published.DATASETS else {}
            for ablation in ablations:
                modules = module_parameters(build_model(len(READERS[dataset].CLASSES), ablation))
                row = printed.get(ablation)
                known = row.params if row else None
                rows.append(ParameterCount(dataset, ablation, sum(modules.values()), modules, known))
    return rows


def _show(rows: Sequence[ParameterCount], console: Console) -> None:
    modules = list(dict.fromkeys(module for row in rows for module in row.modules))
    table = Table(title="Parameters by module")
    for heading in ("dataset", "ablation"):
        table.add_column(heading, no_wrap=True)
    for heading in ("total", "published", "", *modules):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        printed = f"{row.published:,}" if row.published is not None else "–"
        split = (f"{row.modules[module]:,}" if module in row.modules else "–" for module in modules)
        table.add_row(row.dataset, row.ablation, f"{row.total:,}", printed, row.verdict, *split)
    console.print(table)


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Print the counts.

    Returns
    -------
    int
        0, 1 if a count differs from the published one, or the exit code of an error.
    """
    parser = make_parser(
        "params", "Count the parameters of every dataset and ablation, and compare with the published counts.", EXAMPLES
    )
    parser.add_argument("--dataset", choices=list(READERS), action="append", help="only this dataset; may be repeated")
    parser.add_argument("--all", action="store_true", help="include every distinct network of combined removals")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    wanted = NETWORKS if options.all else [name for name in NETWORKS if "+" not in name]
    rows = counts(options.dataset or list(READERS), wanted)
    compared = [row for row in rows if row.published is not None]
    agreeing = sum(row.verdict == "agrees" for row in compared)
    if options.json:
        verdicts = [{"verdict": row.verdict, "same_network": network_names(row.ablation)[1:]} for row in rows]
        print(json.dumps([asdict(row) | more for row, more in zip(rows, verdicts, strict=True)], indent=1))
    else:
        console = Console() if sys.stdout.isatty() else Console(width=200)
        _show(rows, console)
        for note in same_network_notes(row.ablation for row in rows):
            console.print(note, highlight=False)
        console.print(f"{agreeing} of {len(compared)} published counts agree.", highlight=False)
    return 0 if agreeing == len(compared) else 1


if __name__ == "__main__":
    sys.exit(main())
