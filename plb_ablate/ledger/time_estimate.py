"""Estimates of training time, from the finished cells of a ledger."""

import math
from collections import defaultdict
from collections.abc import Iterable
from statistics import median

from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.store import Ledger, LedgerEntry

__all__ = ["Speed", "duration"]


class Speed:
    """Training time per utterance and epoch, measured on the finished cells of a ledger.

    The median epoch of a cell is used, because its first epoch includes the tracing of the model.

    Parameters
    ----------
    ledger : Ledger
        Ledger with finished cells.
    device : str
        Only cells trained on this device count: ``cpu`` or ``gpu``.

    Attributes
    ----------
    rates : dict of (str, int) to float
        Seconds per utterance and epoch (median over cells), by ablation and number of threads.
    """

    def __init__(self, ledger: Ledger, device: str = "cpu") -> None:
        known: dict[tuple[str, int], list[float]] = defaultdict(list)
        for entry in ledger.entries():
            if entry.state == "done":
                settings, scores, run = (entry.read(n) for n in ("cell.json", "result/scores.json", "result/run.json"))
                if settings.get("device", "cpu") != device:
                    continue
                epoch = run.get("epoch_seconds", run["seconds"] / settings["trainer"]["epochs"])
                known[settings["ablation"], settings["threads"]].append(epoch / scores["sizes"]["train"])
        self.rates = {key: median(values) for key, values in known.items()}
        self._threads = {
            threads: median(rate for (_, t), rates in known.items() if t == threads for rate in rates)
            for threads in {threads for _, threads in known}
        }

    def seconds(self, cell: Cell, entry: LedgerEntry) -> float:
        """Estimate a cell's remaining time from cells of the same ablation, else from all; NaN if none is finished."""
        threads = cell.settings["threads"]
        rate = self.rates.get((cell.settings["ablation"], threads), self._threads.get(threads, math.nan))
        done = (entry.read("progress.json") or {}).get("epoch", 0)
        return rate * cell.n_train * (cell.settings["trainer"]["epochs"] - done)

    def total(self, cells: Iterable[Cell], ledger: Ledger, n_jobs: int) -> float:
        """Estimate the time for cells trained `n_jobs` at a time: at least the longest; NaN if no cell is finished."""
        each = [self.seconds(cell, ledger.entry(cell)) for cell in cells]
        return max(sum(each) / n_jobs, max(each)) if each else 0.0


def duration(seconds: float) -> str:
    """Format a time for people: ``12 s``, ``7 min``, ``3.2 h``; ``unknown`` for NaN."""
    if math.isnan(seconds):
        return "unknown"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
