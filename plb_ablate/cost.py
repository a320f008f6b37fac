"""``python -m plb_ablate.cost``: what a large study would cost in core hours, judged by the cells of a ledger."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from plb_ablate.config.schema import Trainer
from plb_ablate.config.variants import NAMED_VARIANTS, NETWORKS
from plb_ablate.core.command_line import make_parser
from plb_ablate.core.errors import ConfigError, exit_codes
from plb_ablate.data.registry import READERS
from plb_ablate.ledger.store import Ledger
from plb_ablate.ledger.time_estimate import Speed, duration

__all__ = ["Study", "core_seconds", "main"]

EXAMPLES = """
examples:
  python -m plb_ablate.cost                                10 seeds x 3 corpora x 28 variants x 10 folds
  python -m plb_ablate.cost --seeds 3 --variants 6 --cores 64
"""


@dataclass(frozen=True)
class Study:
    """How much is to be trained.

    Parameters
    ----------
    corpora : sequence of str
        Names of corpora, of which the published numbers of utterances are taken.
    seeds, variants, folds, epochs : int
        Of each corpus; every fold leaves out one of `folds` equal parts. The variants are by default every distinct
        network that removals make.
    """

    corpora: Sequence[str] = ("emodb", "ravdess", "iemocap")
    seeds: int = 10
    variants: int = len(NETWORKS) - len(NAMED_VARIANTS)
    folds: int = 10
    epochs: int = Trainer.epochs

    @property
    def cells(self) -> int:
        """Trainings."""
        return len(self.corpora) * self.seeds * self.variants * self.folds

    @property
    def passes(self) -> float:
        """Utterances times epochs of one variant, over all corpora, folds and seeds."""
        utterances = sum(READERS[name].REFERENCE_COUNTS.utterances for name in self.corpora)
        return utterances * (self.folds - 1) * self.epochs * self.seeds


def core_seconds(study: Study, rates: Mapping[str, float]) -> float:
    """Seconds of one core for the whole study.

    Parameters
    ----------
    study : Study
    rates : mapping of str to float
        Seconds for an utterance and epoch of the variants that were measured; the others take their median.
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
        0, or the exit code of what went wrong, its message on standard error.
    """
    study = Study()
    parser = make_parser(
        "cost",
        "Core hours of a study: utterances x (folds - 1) x epochs x seeds, times the seconds that an "
        "utterance and epoch took in finished cells of a ledger trained on one thread, summed over the variants. "
        "Variants that were not measured count as the median of those that were.",
        EXAMPLES,
    )
    parser.add_argument("--ledger", type=Path, default=Path("ledger"), help="folder of results (default: ledger)")
    parser.add_argument("--corpora", nargs="+", choices=READERS, default=study.corpora, metavar="NAME")
    for name in ("seeds", "variants", "folds", "epochs"):
        parser.add_argument(f"--{name}", type=int, default=getattr(study, name), metavar="N")
    parser.add_argument("--cores", type=int, default=256, metavar="N", help="cells at the same time (default: 256)")
    options = parser.parse_args(argv)
    study = Study(options.corpora, options.seeds, options.variants, options.folds, options.epochs)
    _show(study, _measured(options.ledger), options.cores)
    return 0


def _measured(root: Path) -> dict[str, float]:
    rates = {ablation: rate for (ablation, threads), rate in Speed(Ledger(root)).rates.items() if threads == 1}
    if not rates:
        raise ConfigError(f"--ledger {root} has no finished cell of one thread to judge by: train some first.")
    return rates


def _show(study: Study, rates: Mapping[str, float], cores: int) -> None:
    hours = f"hours a fold of {study.epochs} epochs, mean of the corpora"
    table = Table("variant", "ms an utterance and epoch", hours, title="measured")
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
