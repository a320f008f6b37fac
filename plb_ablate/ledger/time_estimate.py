"""How long cells will take, judged by those that have been trained."""

import math
from collections import defaultdict
from collections.abc import Iterable
from statistics import median

from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.store import Ledger, LedgerEntry

__all__ = ["Speed", "duration"]


class Speed:
    """Seconds of training for each utterance and epoch, from the finished cells of a ledger.

    A cell's median epoch counts: its first also traces the model, which tells of short trainings alone.

    Parameters
    ----------
    ledger : Ledger
        What has been trained.

    Attributes
    ----------
    rates : dict of (str, int) to float
        Seconds for an utterance and epoch, the median of the cells, by ablation and threads.
    """

    def __init__(self, ledger: Ledger) -> None:
        known: dict[tuple[str, int], list[float]] = defaultdict(list)
        for entry in ledger.entries():
            if entry.state == "done":
                what, scores, run = (entry.read(n) for n in ("cell.json", "result/scores.json", "result/run.json"))
                epoch = run.get("epoch_seconds", run["seconds"] / what["trainer"]["epochs"])
                known[what["ablation"], what["threads"]].append(epoch / scores["sizes"]["train"])
        self.rates = {key: median(values) for key, values in known.items()}
        self._threads = {
            threads: median(rate for (_, t), rates in known.items() if t == threads for rate in rates)
            for threads in {threads for _, threads in known}
        }

    def seconds(self, cell: Cell, entry: LedgerEntry) -> float:
        """Time that a cell has still to train: by cells of the same ablation, else by all; NaN if none is known."""
        threads = cell.settings["threads"]
        rate = self.rates.get((cell.settings["ablation"], threads), self._threads.get(threads, math.nan))
        done = (entry.read("progress.json") or {}).get("epoch", 0)
        return rate * cell.n_train * (cell.settings["trainer"]["epochs"] - done)

    def total(self, cells: Iterable[Cell], ledger: Ledger, n_jobs: int) -> float:
        """Time for cells trained `n_jobs` at a time: no less than the longest of them; NaN if nothing is known."""
        each = [self.seconds(cell, ledger.entry(cell)) for cell in cells]
        return max(sum(each) / n_jobs, max(each)) if each else 0.0


def duration(seconds: float) -> str:
    """A time for people: ``12 s``, ``7 min``, ``3.2 h``; ``unknown`` for NaN."""
    if math.isnan(seconds):
        return "unknown"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
