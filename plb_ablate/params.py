"""``python -m plb_ablate.params``: parameters of every variant of a model, by module, beside the published counts."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from plb_ablate.config.features import PUBLISHED
from plb_ablate.core.command_line import make_parser
from plb_ablate.core.errors import exit_codes
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.data.registry import READERS
from plb_ablate.models.family import BuildSettings, ModelFamily, Shape
from plb_ablate.models.plb.family import PLB
from plb_ablate.models.registry import FAMILIES, FILE, find_family
from plb_ablate.published import tables as published

__all__ = ["ParameterCount", "counts", "main"]

EXAMPLES = """
examples:
  python -m plb_ablate.params                     the rows of the published tables, and all single removals
  python -m plb_ablate.params --all               also every distinct network of combined removals
  python -m plb_ablate.params --dataset ravdess --json
  python -m plb_ablate.params --model light_sernet --dataset emodb
  python -m plb_ablate.params --model study/my_model.py --classes 5 --input-shape 196 39
"""


MOST_COLUMNS = 14
"""Most modules that have a column each; more are listed in one column."""


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


def counts(
    classes: Mapping[str, int], ablations: Sequence[str], family: ModelFamily = PLB, input_shape: Shape | None = None
) -> list[ParameterCount]:
    """Build every variant and count its parameters.

    Parameters
    ----------
    classes : mapping of str to int
        Number of classes by dataset.
    ablations : sequence of str
        Names of variants.
    family : ModelFamily
    input_shape : tuple of int, optional
        Frames, coefficients, one channel; by default that of the published features.
    """
    rows = []
    with redirect_output(Path(os.devnull)):  # hides TensorFlow's messages about its build and devices
        from plb_ablate.models.inspection import module_parameters

        shape = input_shape or (*PUBLISHED.shape, 1)
        for dataset, number in classes.items():
            printed = published.table(dataset) if family.published and dataset in published.DATASETS else {}
            for ablation in ablations:
                modules = module_parameters(family.build(number, shape, ablation, BuildSettings()))
                row = printed.get(ablation)
                known = row.params if row else None
                rows.append(ParameterCount(dataset, ablation, sum(modules.values()), modules, known))
    return rows


def _show(rows: Sequence[ParameterCount], console: Console) -> None:
    modules = list(dict.fromkeys(module for row in rows for module in row.modules))
    wide = len(modules) > MOST_COLUMNS
    table = Table(title="Parameters by module")
    for heading in ("dataset", "ablation"):
        table.add_column(heading, no_wrap=True)
    for heading in ("total", "published", "", *([] if wide else modules)):
        table.add_column(heading, justify="right", no_wrap=True)
    if wide:
        table.add_column("by module")
    for row in rows:
        printed = f"{row.published:,}" if row.published is not None else "–"
        split = [f"{row.modules[module]:,}" if module in row.modules else "–" for module in modules]
        split = [", ".join(f"{module} {count:,}" for module, count in row.modules.items())] if wide else split
        table.add_row(row.dataset, row.ablation, f"{row.total:,}", printed, row.verdict, *split)
    console.print(table)


def _family(model: str) -> ModelFamily:
    return find_family(model) if model in FAMILIES or not model.endswith(".py") else find_family(FILE, model)


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Print the counts.

    Returns
    -------
    int
        0, 1 if a count differs from the published one, or the exit code of an error.
    """
    parser = make_parser(
        "params",
        "Count the parameters of every dataset and ablation of a model. Those of the published network are compared "
        "with the published counts.",
        EXAMPLES,
    )
    parser.add_argument(
        "--model",
        default=PLB.name,
        metavar="NAME",
        help=f"{', '.join(FAMILIES)}, or a model file (default: {PLB.name})",
    )
    parser.add_argument("--classes", type=int, metavar="N", help="this number of emotions instead of those of datasets")
    parser.add_argument(
        "--input-shape", type=int, nargs=2, metavar=("FRAMES", "COEFFICIENTS"), help="default: the published 196 39"
    )
    parser.add_argument("--dataset", choices=list(READERS), action="append", help="only this dataset; may be repeated")
    parser.add_argument("--all", action="store_true", help="include every distinct network of combined removals")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    family = _family(options.model)
    wanted = family.networks if options.all else [name for name in family.networks if "+" not in name]
    classes = {name: len(READERS[name].CLASSES) for name in options.dataset or READERS}
    classes = {"": options.classes} if options.classes else classes
    rows = counts(classes, wanted, family, (*options.input_shape, 1) if options.input_shape else None)
    compared = [row for row in rows if row.published is not None]
    agreeing = sum(row.verdict == "agrees" for row in compared)
    if options.json:
        verdicts = [{"verdict": row.verdict, "same_network": family.network_names(row.ablation)[1:]} for row in rows]
        print(json.dumps([asdict(row) | more for row, more in zip(rows, verdicts, strict=True)], indent=1))
    else:
        console = Console() if sys.stdout.isatty() else Console(width=200)
        _show(rows, console)
        for note in family.same_network_notes(row.ablation for row in rows):
            console.print(note, highlight=False)
        if compared or family.published:
            console.print(f"{agreeing} of {len(compared)} published counts agree.", highlight=False)
    return 0 if agreeing == len(compared) else 1


if __name__ == "__main__":
    sys.exit(main())
