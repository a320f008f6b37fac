"""The ledger: every cell's result on disk, written in one step, before anything else learns of it.

Layout, one folder a cell::

    <ledger>/<cell>/cell.json        what the cell is
                    result/          the finished result; appears whole or not at all
                    state.npz        a training under way, after its last epoch
                    progress.json    the same for people: epoch, epochs, scores so far
                    error.txt        why the last try failed
                    log.txt          what the training printed, with its traceback
                    lock             held by the process that trains the cell
                    delivered/       stores that have the result
    <ledger>/audits/                 leakage audits, one a configuration
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from plb_ablate.core.atomic_files import remove_drafts, replacing
from plb_ablate.core.errors import StoreError
from plb_ablate.ledger.cells import Cell

__all__ = ["STATES", "Ledger", "LedgerEntry"]

STATES = ("done", "running", "stale", "failed", "missing")
"""What a cell can be: finished, being trained, left by a process that died, failed, not begun."""


@dataclass(frozen=True)
class LedgerEntry:
    """Folder of one cell in the ledger."""

    folder: Path

    @property
    def cell(self) -> str:
        """Id of the cell."""
        return self.folder.name

    @property
    def result(self) -> Path:
        """Folder of the finished result."""
        return self.folder / "result"

    @property
    def state_file(self) -> Path:
        """State of a training under way."""
        return self.folder / "state.npz"

    @property
    def log(self) -> Path:
        """What the training printed."""
        return self.folder / "log.txt"

    @property
    def error(self) -> str:
        """Why the last try failed; empty if it did not."""
        file = self.folder / "error.txt"
        return file.read_text() if file.exists() else ""

    def failed_at(self) -> float:
        """When the last try failed, in seconds since 1970; 0 if it did not."""
        file = self.folder / "error.txt"
        return file.stat().st_mtime if file.exists() else 0.0

    @property
    def state(self) -> str:
        """One of `STATES`."""
        if self.result.is_dir():
            return "done"
        if self._locked():
            return "running"
        if self.error:
            return "failed"
        return "stale" if (self.folder / "progress.json").exists() else "missing"

    def read(self, name: str) -> Any:
        """Read a JSON file of the cell (``cell.json``, ``progress.json``, ``result/scores.json``); None if absent."""
        file = self.folder / name
        return json.loads(file.read_text()) if file.exists() else None

    @contextmanager
    def claimed(self, what: dict[str, Any]) -> Iterator[bool]:
        """Hold the cell while it is trained; gives False where another living process holds it.

        The claim ends with the process, however it ends.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock", timeout=1)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            self._clean_up()
            self.write("cell.json", what)
            yield True
        finally:
            lock.release()

    @contextmanager
    def writing_result(self) -> Iterator[Path]:
        """Give an empty folder to write the result into; it becomes the result when the block ends without error."""
        draft = Path(tempfile.mkdtemp(prefix=".result-", dir=self.folder))
        try:
            yield draft
            draft.chmod(0o755)
            draft.rename(self.result)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        self.drop_leftovers()

    def drop_leftovers(self) -> None:
        """Remove what a finished cell needs no more."""
        for leftover in ("state.npz", "progress.json", "error.txt"):
            (self.folder / leftover).unlink(missing_ok=True)

    def write(self, name: str, value: Any) -> None:
        """Write a JSON file of the cell in one step."""
        _write_text(self.folder / name, json.dumps(value, indent=1) + "\n")

    def fail(self, message: str, what: dict[str, Any] | None = None) -> None:
        """Note why the cell failed, and what it is where it has not begun; the next try begins at its last state."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if what and not (self.folder / "cell.json").exists():
            self.write("cell.json", what)
        _write_text(self.folder / "error.txt", message.rstrip() + "\n")

    def clear_error(self) -> None:
        """Forget an earlier failure, as a new try begins."""
        (self.folder / "error.txt").unlink(missing_ok=True)

    def is_delivered(self, store: str) -> bool:
        """Whether the store (a hash of its address) has the result."""
        return (self.folder / "delivered" / store).exists()

    def mark_delivered(self, store: str, run_id: str) -> None:
        """Note that the store has the result, under a run id."""
        (self.folder / "delivered").mkdir(exist_ok=True)
        _write_text(self.folder / "delivered" / store, run_id + "\n")

    def _clean_up(self) -> None:
        """Remove what a killed process left half-written."""
        for draft in self.folder.glob(".result-*"):
            shutil.rmtree(draft, ignore_errors=True)
        for name in ("state.npz", "progress.json", "cell.json", "error.txt"):
            remove_drafts(self.folder / name)

    def _locked(self) -> bool:
        lock = FileLock(self.folder / "lock", timeout=0)
        if not (self.folder / "lock").exists():
            return False
        try:
            with lock:
                return False
        except Timeout:
            return True


class Ledger:
    """All cells below one folder.

    Parameters
    ----------
    root : Path
        Folder of the ledger.
    create : bool
        Whether to create it where it does not exist, and see that it can be written.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    """

    def __init__(self, root: Path, *, create: bool = True) -> None:
        self.root = root
        if not create:
            return
        try:
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root):
                pass
        except OSError as error:
            raise StoreError(f"ledger={root} cannot be written: {error.strerror}. Name a folder that can.") from None

    def entry(self, cell: Cell | str) -> LedgerEntry:
        """The folder of a cell, which may not exist yet."""
        return LedgerEntry(self.root / (cell if isinstance(cell, str) else cell.id))

    def write_audit(self, cell: Cell, audit: dict[str, Any]) -> None:
        """Keep the leakage audit of the cell's corpus and protocol, one file a configuration."""
        (self.root / "audits").mkdir(exist_ok=True)
        _write_text(self.audit_file(cell.config_hash), json.dumps(audit) + "\n")

    def audit_file(self, config_hash: str) -> Path:
        """The leakage audit of a configuration, which may not exist."""
        return self.root / "audits" / f"{config_hash}.json"

    def entries(self) -> list[LedgerEntry]:
        """Every cell that was ever begun, in the order of their ids."""
        return [LedgerEntry(file.parent) for file in sorted(self.root.glob("*/cell.json"))]


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as draft:
        draft.write_text(text)
