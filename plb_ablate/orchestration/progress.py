"""Progress of a sweep: bars on a terminal, otherwise one line per finished cell."""

import time
from collections.abc import Iterable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from plb_ablate.ledger.cells import Cell, same_network_notes
from plb_ablate.ledger.store import Ledger
from plb_ablate.training.metrics import is_flat

__all__ = ["SweepProgress"]


class SweepProgress:
    """Shows the number of finished cells, the epoch and WA of each running cell, and the remaining time.

    Parameters
    ----------
    cells : iterable of Cell
        All cells of the sweep.
    ledger : Ledger
        Ledger that holds finished cells.
    console : Console
        Console to print to.
    """

    def __init__(self, cells: Iterable[Cell], ledger: Ledger, console: Console) -> None:
        self.ledger, self.console = ledger, console
        self.cells = {cell.id: cell for cell in cells}
        self.skipped = {id for id in self.cells if ledger.entry(id).state == "done"}
        self.ended: set[str] = set()
        self.started = time.monotonic()
        self.bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "SweepProgress":
        todo = len(self.cells) - len(self.skipped)
        self.console.print(
            f"{len(self.cells)} cells: {len(self.skipped)} already done, {todo} to train.", highlight=False
        )
        for words in same_network_notes(self.cells.values()):
            self.console.print(words, markup=False, highlight=False, soft_wrap=True)
        if self.console.is_terminal and todo:
            name, note = TextColumn("{task.description}"), TextColumn("{task.fields[note]}")
            self.bars = Progress(name, BarColumn(), MofNCompleteColumn(), note, console=self.console)
            self._tasks[""] = self.bars.add_task("cells", total=len(self.cells), completed=len(self.skipped), note="")
            self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bars:
            self.bars.stop()

    def end(self, cell: Cell, outcome: str, why: str = "") -> None:
        """Show that a cell has ended, and why if it failed."""
        self.ended.add(cell.id)
        entry = self.ledger.entry(cell)
        scores = entry.read("result/scores.json")
        note = outcome if outcome != "failed" else f"FAILED: {why.strip().splitlines()[0]} (log: {entry.log})"
        if scores:
            chosen = scores["rules"][scores["headline"]]
            note = f"WA {100 * chosen['wa']:.1f} % at epoch {chosen['epoch'] + 1}"
            if is_flat(chosen):
                note += " (warning: it predicts one class for every utterance)"
        done = len(self.ended) + len(self.skipped)
        line = f"[{done}/{len(self.cells)}] {cell.label}: {note}; {self._left()}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        self.poll()

    def spare(self, cells: Iterable[Cell]) -> None:
        """Leave out cells that are not needed any more."""
        for cell in cells:
            if cell.id not in self.ended | self.skipped:
                self.cells.pop(cell.id, None)
        if self.bars:
            self.bars.update(self._tasks[""], total=len(self.cells))

    def poll(self) -> None:
        """Update the bars."""
        if not self.bars:
            return
        done = len(self.ended) + len(self.skipped)
        self.bars.update(self._tasks[""], completed=done, note=self._left())
        for id, cell in self.cells.items():
            if id in self.ended:
                if id in self._tasks:
                    self.bars.remove_task(self._tasks.pop(id))
            elif id not in self.skipped and (now := self.ledger.entry(id).read("progress.json")):
                if id not in self._tasks:
                    self._tasks[id] = self.bars.add_task(cell.label, total=now["epochs"], note="")
                self.bars.update(self._tasks[id], completed=now["epoch"], note=f"WA {100 * now['wa']:.1f} %")

    def _left(self) -> str:
        remaining = len(self.cells) - len(self.skipped) - len(self.ended)
        if not self.ended:
            return "time left unknown"
        seconds = (time.monotonic() - self.started) / len(self.ended) * remaining
        return f"{seconds / 60:.0f} min left" if seconds >= 90 else f"{seconds:.0f} s left"
