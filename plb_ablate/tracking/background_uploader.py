"""Delivers results to MLflow beside the training, in one thread that no signal cuts short."""

import time
from concurrent.futures import ThreadPoolExecutor

from plb_ablate.config.schema import Tracking
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.tracking.mlflow_writer import Tracker

__all__ = ["Courier"]

_PAUSE = 60.0
"""Seconds for which a store that failed is left alone."""


class Courier:
    """Takes finished cells to the store, one after another, while the training goes on.

    Whatever goes wrong with the store stays here: the cells wait, and are tried again with later ones and at the end.

    Parameters
    ----------
    tracking : Tracking
        Address of the store and name of the experiment.
    ledger : Ledger
        Where the cells are.

    Raises
    ------
    StoreError
        If the store cannot be opened.
    """

    def __init__(self, tracking: Tracking, ledger: Ledger) -> None:
        self.waiting: dict[str, LedgerEntry] = {}
        self.error: Exception | None = None
        self._rest_until = 0.0
        self._thread = ThreadPoolExecutor(1, "courier")
        self._tracker = self._thread.submit(Tracker, tracking, ledger).result()

    def take(self, entry: LedgerEntry) -> None:
        """Deliver a finished cell as soon as it can be."""
        if not entry.is_delivered(self._tracker.key):
            self._thread.submit(self._carry, entry)

    def finish(self) -> None:
        """Deliver all that waits; a store that failed is tried once more."""
        self._thread.submit(self._carry, None).result()
        self._thread.shutdown()

    def stop(self) -> None:
        """Let the delivery under way come to its end, and begin no other."""
        self._thread.shutdown(cancel_futures=True)

    def _carry(self, entry: LedgerEntry | None) -> None:
        if entry:
            self.waiting[entry.cell] = entry
            if time.monotonic() < self._rest_until:
                return
        try:
            for cell, waiting in list(self.waiting.items()):
                self._tracker.deliver(waiting)
                del self.waiting[cell]
        except Exception as error:  # also what MLflow does not foresee: a training never ends because of its tracking
            self.error, self._rest_until = error, time.monotonic() + _PAUSE
