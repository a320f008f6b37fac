"""``python -m plb_ablate.cost``: estimate the core hours of a large study from the finished cells of a ledger."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from plb_ablate.config.trainer import Trainer
from plb_ablate.core.command_line import make_parser, path_argument
from plb_ablate.core.errors import ConfigError, exit_codes
from plb_ablate.data.registry import READERS
from plb_ablate.ledger.store import Ledger
from plb_ablate.ledger.time_estimate import Speed, duration
from plb_ablate.models.plb.family import PLB

__all__ = ["StudySize", "core_seconds", "main"]

EXAMPLES = """
examples:
  python -m plb_ablate.cost                                10 seeds x 3 corpora x 28 variants x 10 folds
  python -m plb_ablate.cost --seeds 3 --variants 6 --cores 64
"""


@dataclass(frozen=True)
class StudySize:
    """Number of trainings of a study and their size.

    Parameters
    ----------
    corpora : sequence of str
        Names of corpora; their published numbers of utterances are used.
    seeds, variants, folds, epochs : int
        Numbers for each corpus; every fold is tested on one of `folds` equal parts. The default of `variants` is all
        distinct networks that removals produce.
    """

    corpora: Sequence[str] = ("emodb", "ravdess", "iemocap")
    seeds: int = 10
    variants: int = len(PLB.networks) - len(PLB.named_variants)
    folds: int = 10
    epochs: int = Trainer.epochs

    @property
    def cells(self) -> int:
        """Number of trainings."""
        return len(self.corpora) * self.seeds * self.variants * self.folds

    @property
    def passes(self) -> float:
        """Training utterances times epochs of one variant, over all corpora, folds and seeds."""
        utterances = sum(READERS[name].REFERENCE_COUNTS.utterances for name in self.corpora)
        return utterances * (self.folds - 1) * self.epochs * self.seeds


def core_seconds(study: StudySize, rates: Mapping[str, float]) -> float:
    """Return the seconds of one core for the whole study.

    Parameters
    ----------
    study : StudySize
    rates : mapping of str to float
        Seconds per utterance and epoch of the measured variants; the median of these is used for all others.
    """
    known = list(rates.values())[: study.variants]
    others = (study.variants - len(known)) * median(rates.values())
    return study.passes * (sum(known) + others)


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Print the cost.

    Returns
    -------
    int
        0, or the exit code of an error, whose message is printed on standard error.
    """
    study = StudySize()
    parser = make_parser(
        "cost",
        "Estimate the core hours of a study: utterances x (folds - 1) x epochs x seeds, times the seconds per "
        "utterance and epoch in finished cells of a ledger that were trained on one thread, summed over the variants. "
        "For variants without finished cells, the median of the others is used.",
        EXAMPLES,
    )
    parser.add_argument(
        "--ledger", type=path_argument, default=Path("ledger"), help="folder of results (default: ledger)"
    )
    parser.add_argument("--corpora", nargs="+", choices=READERS, default=study.corpora, metavar="NAME")
    for name in ("seeds", "variants", "folds", "epochs"):
        parser.add_argument(f"--{name}", type=int, default=getattr(study, name), metavar="N")
    parser.add_argument("--cores", type=int, default=256, metavar="N", help="cells at the same time (default: 256)")
    options = parser.parse_args(argv)
    study = StudySize(options.corpora, options.seeds, options.variants, options.folds, options.epochs)
    _show(study, _measured(options.ledger), options.cores)
    return 0


def _measured(root: Path) -> dict[str, float]:
    rates = {ablation: rate for (ablation, threads), rate in Speed(Ledger(root)).rates.items() if threads == 1}
    if not rates:
        raise ConfigError(f"--ledger {root} has no finished cell that was trained with threads=1. Train some first.")
    return rates


def _show(study: StudySize, rates: Mapping[str, float], cores: int) -> None:
    hours = f"hours per fold of {study.epochs} epochs, mean of the corpora"
    table = Table("variant", "ms per utterance and epoch", hours, title="measured")
    fold = study.passes / study.seeds / study.folds / len(study.corpora)
    for ablation, rate in sorted(rates.items(), key=lambda item: -item[1]):
        table.add_row(ablation, f"{1000 * rate:.1f}", f"{rate * fold / 3600:.2f}")
    console = Console()
    console.print(table)
    total = core_seconds(study, rates)
    print(
        f"{study.cells:,} cells ({len(study.corpora)} corpora, {study.seeds} seeds, {study.variants} variants, "
        f"{study.folds} folds): {total / 3600:,.0f} core hours, {duration(total / cores)} on {cores} cores. "
        f"{max(study.variants - len(rates), 0)} of the variants are extrapolated."
    )


if __name__ == "__main__":
    sys.exit(main())
