"""The ledger: the result of every cell on disk, written atomically and before any upload.

Layout, one folder for each cell::

    <ledger>/<cell>/cell.json        settings, fold and study of the cell
                    result/          the finished result; complete if it exists
                    state.npz        checkpoint of an unfinished training, after its last epoch
                    progress.json    the same in short: epoch, epochs, seconds, latest WA
                    error.txt        why the last attempt failed
                    log.txt          output of the training, with tracebacks
                    lock             locked by the process that trains the cell
                    delivered/       MLflow stores that the result was uploaded to
    <ledger>/audits/                 leakage audits and differences of the corpus, one for each configuration
"""

import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from plb_ablate.core.atomic_files import remove_drafts, replacing
from plb_ablate.core.errors import StoreError
from plb_ablate.ledger.cells import Cell

__all__ = ["AS_PUBLISHED", "STATES", "Ledger", "LedgerEntry"]

AS_PUBLISHED = "as published"
"""The tag of a corpus that has all published counts."""

STATES = ("done", "running", "stale", "failed", "missing")
"""States of a cell: finished; being trained; interrupted, its process has ended; failed; not started."""


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
        """Checkpoint of an unfinished training."""
        return self.folder / "state.npz"

    @property
    def log(self) -> Path:
        """Output of the training."""
        return self.folder / "log.txt"

    @property
    def error(self) -> str:
        """Why the last attempt failed; empty if it did not."""
        file = self.folder / "error.txt"
        return file.read_text() if file.exists() else ""

    def failed_at(self) -> float:
        """When the last attempt failed, in seconds since 1970; 0 if it did not."""
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

    @property
    def diverged(self) -> bool:
        """Whether there is a result although its loss is not finite, as earlier versions accepted it."""
        file = self.result / "history.csv"
        last = file.read_text().splitlines()[-1].split(",") if file.exists() else []
        return not all(math.isfinite(float(value or "nan")) for value in last)

    def read(self, name: str) -> Any:
        """Read a JSON file of the cell (``cell.json``, ``progress.json``, ``result/scores.json``); None if absent."""
        file = self.folder / name
        return json.loads(file.read_text()) if file.exists() else None

    @contextmanager
    def claimed(self, description: dict[str, Any]) -> Iterator[bool]:
        """Lock the cell while it is trained; yields False if another running process has locked it.

        The lock is released when the process ends, for whatever reason.
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
            self.write("cell.json", description)
            yield True
        finally:
            lock.release()

    @contextmanager
    def writing_result(self) -> Iterator[Path]:
        """Yield an empty folder to write the result into; it becomes the result if the block ends without error."""
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
        """Remove files that a finished cell does not need."""
        for leftover in ("state.npz", "progress.json", "error.txt"):
            (self.folder / leftover).unlink(missing_ok=True)

    def write(self, name: str, value: Any) -> None:
        """Write a JSON file of the cell atomically."""
        _write_text(self.folder / name, json.dumps(value, indent=1) + "\n")

    def fail(self, message: str, description: dict[str, Any] | None = None) -> None:
        """Record why the cell failed, and what it is if it had not started; a retry resumes from its checkpoint."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if description and not (self.folder / "cell.json").exists():
            self.write("cell.json", description)
        _write_text(self.folder / "error.txt", message.rstrip() + "\n")

    def clear_error(self) -> None:
        """Remove the record of an earlier failure before a retry."""
        (self.folder / "error.txt").unlink(missing_ok=True)

    def is_uploaded(self, store: str) -> bool:
        """Whether the MLflow store (a hash of its address) has the result."""
        return (self.folder / "delivered" / store).exists()

    def run_id(self, store: str) -> str:
        """Return the id of the run that the result has in the MLflow store."""
        return (self.folder / "delivered" / store).read_text().strip()

    def mark_uploaded(self, store: str, run_id: str) -> None:
        """Record that the MLflow store has the result, and its run id there."""
        (self.folder / "delivered").mkdir(exist_ok=True)
        _write_text(self.folder / "delivered" / store, run_id + "\n")

    def _clean_up(self) -> None:
        """Remove incomplete files of a killed process."""
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
        Whether to create the folder if it does not exist, and check that it can be written.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    """

    def __init__(self, root: Path, *, create: bool = True) -> None:
        self.root = root
        if not create:
            return
        with _writing(root):
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root):
                pass

    def entry(self, cell: Cell | str) -> LedgerEntry:
        """Return the entry of a cell, whose folder may not exist yet."""
        return LedgerEntry(self.root / (cell if isinstance(cell, str) else cell.id))

    def write_audit(self, cell: Cell, audit: dict[str, Any], differences: Sequence[str] | None = ()) -> None:
        """Store the leakage audit of a cell's corpus, and how it differs from the published one; None: none is."""
        with _writing(self.root):
            (self.root / "audits").mkdir(exist_ok=True)
            _write_text(self.audit_file(cell.config_hash), json.dumps(audit) + "\n")
            corpus = json.dumps({"differences": None if differences is None else list(differences)})
            _write_text(self.audit_file(cell.config_hash, ".corpus.json"), corpus + "\n")

    def audit_file(self, config_hash: str, ending: str = ".json") -> Path:
        """Return the file of a configuration's leakage audit, or another file of that ending; it may not exist."""
        return self.root / "audits" / f"{config_hash}{ending}"

    def corpus_tags(self, config_hash: str) -> dict[str, str]:
        """Return the tag that says how a configuration's corpus differs from the published one, if that is known."""
        file = self.audit_file(config_hash, ".corpus.json")
        told = json.loads(file.read_text())["differences"] if file.exists() else None
        return {} if told is None else {"corpus": "; ".join(told) or AS_PUBLISHED}

    def entries(self) -> list[LedgerEntry]:
        """Return every cell that was ever started, sorted by id."""
        return [LedgerEntry(file.parent) for file in sorted(self.root.glob("*/cell.json"))]


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as draft:
        draft.write_text(text)


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        file = f" ({error.filename})" if error.filename and Path(str(error.filename)) != root else ""
        raise StoreError(
            f"ledger={root} cannot be written: {error.strerror}{file}. Choose a writable folder with ledger=..."
        ) from None
