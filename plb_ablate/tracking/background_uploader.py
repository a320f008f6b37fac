"""Uploads results to MLflow in a background thread, which Ctrl-C and SIGTERM do not interrupt."""

import time
from concurrent.futures import ThreadPoolExecutor

from plb_ablate.config.schema import Tracking
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.tracking.mlflow_writer import Tracker
from plb_ablate.tracking.race_tags import tag_races

__all__ = ["BackgroundUploader"]

_RETRY_DELAY = 60.0
"""Seconds after a failed upload during which no other is tried."""


class BackgroundUploader:
    """Uploads finished cells to the store one after another, while the training continues.

    An error of the store never ends the training: the cells stay pending, and are tried again with later cells and at
    the end.

    Parameters
    ----------
    tracking : Tracking
        Address of the store and name of the experiment.
    ledger : Ledger
        The ledger that holds the cells.

    Attributes
    ----------
    pending : dict of str to LedgerEntry
        Submitted cells that are not in the store yet, by their ids.
    error : Exception or None
        What the store raised last.
    untagged : bool
        Whether the store lacks how a race stands.

    Raises
    ------
    StoreError
        If the store cannot be opened.
    """

    def __init__(self, tracking: Tracking, ledger: Ledger) -> None:
        self.pending: dict[str, LedgerEntry] = {}
        self.error: Exception | None = None
        self.untagged = False
        self._retry_at = 0.0
        self._thread = ThreadPoolExecutor(1, "uploader")
        self._tracker = self._thread.submit(Tracker, tracking, ledger).result()

    def submit(self, entry: LedgerEntry) -> None:
        """Upload a finished cell as soon as possible, unless the store has it."""
        self._thread.submit(self._upload, entry)

    def tag_races(self) -> None:
        """Write how races stand on the runs that the store has; what fails now is written at the end."""
        self._thread.submit(self._tag_races)

    def finish(self) -> None:
        """Upload all pending cells, and how races stand; a store that failed is tried once more."""
        self._thread.submit(self._upload, None).result()
        self._thread.submit(self._tag_races, last=True).result()
        self._thread.shutdown()

    def stop(self) -> None:
        """Complete the upload in progress and start no other."""
        self._thread.shutdown(cancel_futures=True)

    def _tag_races(self, *, last: bool = False) -> None:
        self.untagged = True
        if self.pending or (time.monotonic() < self._retry_at and not last):
            return
        try:
            tag_races(self._tracker)
            self.untagged = False
        except Exception as error:  # whatever MLflow raises: an upload must never end a training
            self.error, self._retry_at = error, time.monotonic() + _RETRY_DELAY

    def _upload(self, entry: LedgerEntry | None) -> None:
        if entry:
            self.pending[entry.cell] = entry
            if time.monotonic() < self._retry_at:
                return
        try:
            for cell, pending in list(self.pending.items()):
                self._tracker.upload(pending)
                del self.pending[cell]
        except Exception as error:  # whatever MLflow raises: an upload must never end a training
            self.error, self._retry_at = error, time.monotonic() + _RETRY_DELAY
