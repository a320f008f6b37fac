"""A sweep from start to end: check everything, train missing cells, upload them to MLflow, summarise."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from plb_ablate.config.schema import Config
from plb_ablate.core.errors import CellError, ConfigError, StoreError
from plb_ablate.core.signals import Interrupted
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.store import Ledger
from plb_ablate.orchestration.corpora import check_corpora
from plb_ablate.orchestration.model_check import check_models
from plb_ablate.orchestration.progress import SweepProgress
from plb_ablate.orchestration.run_job import train_missing
from plb_ablate.orchestration.worker import DONE, ELSEWHERE, FAILED, WorkerSetup
from plb_ablate.orchestration.worker_pool import stop_workers
from plb_ablate.tracking.background_uploader import BackgroundUploader
from plb_ablate.tracking.store import announce, check_store

__all__ = ["Sweep"]

_DIVERGED = "the result of an earlier version diverged; delete the cell's folder to train it again"

_POLL = 1.0
"""Seconds between two checks of cells that other processes train."""


class Sweep:
    """All cells of one or more configurations that share a ledger and a store.

    Creating a sweep checks everything before any training: it connects to the store, reads the corpora, extracts the
    features, makes and audits the folds, and opens the ledger. All of these raise their errors here.

    Parameters
    ----------
    configs : sequence of Config
        One for each job.

    Raises
    ------
    PlbError
        If settings, corpora, folds, ledger or store are invalid.
    """

    def __init__(self, configs: Sequence[Config]) -> None:
        self.console = Console(stderr=True)
        places = {(config.ledger, config.tracking.uri, config.tracking.experiment) for config in configs}
        if len(places) > 1:
            raise ConfigError(
                f"a sweep writes to one ledger and one MLflow store, but its jobs name several: {sorted(places)}. "
                "Use the same ledger=, tracking.uri= and tracking.experiment= for all jobs."
            )
        tracking = configs[0].tracking
        if tracking.uri:
            announce(tracking)
            check_store(tracking)
        self._plan, self._configs = Plan(), configs
        self._jobs = list(self._plan.jobs(configs))
        self.cells = [cell for job in self._jobs for cell in job]
        self.ledger = Ledger(Path(configs[0].ledger))
        check_corpora(self._plan, configs, self.ledger, self._say)
        check_models(self._plan, configs, self._say)
        self.uploader = BackgroundUploader(tracking, self.ledger) if tracking.uri else None
        self.progress = SweepProgress(self.cells, self.ledger, self.console)
        self.failures: dict[str, str] = {}
        self._stopped = threading.Event()
        self._ends = threading.Lock()
        for cell in self.cells:
            if cell.id in self.progress.skipped:
                self._upload(cell)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show progress in the block, and summarise the sweep after it as `finish` does.

        If the block or the summary raises anything, all workers and uploads are stopped, and the exception carries what
        is kept and how to resume: `Interrupted.kept`, or a note of another exception.

        Raises
        ------
        CellError, StoreError
            As `finish`.
        """
        try:
            with self.progress:
                yield
            self.finish()
        except (CellError, StoreError):
            self.stop()
            raise
        except BaseException as error:
            kept = self.stop()
            if isinstance(error, Interrupted):
                error.kept = kept
            else:
                error.add_note(kept)
            raise

    def run(self, config: Config, n_jobs: int | None = None) -> None:
        """Train the cells of one of the configurations, and upload each as soon as it is finished.

        Configurations that can use the same workers are trained together with it, so that no core is idle during the
        last fold of a variant; a later call for them finds their cells finished.

        Parameters
        ----------
        config : Config
        n_jobs : int, optional
            Cells trained at the same time; by default as `plb_ablate.orchestration.workers_at_once.at_once` says.
        """
        cells = [cell for cell in self._plan.cells(*self._sharing(config)) if cell.id not in self.progress.ended]
        polled = {"on_end": self._end, "on_poll": self.progress.poll}
        train_missing(config, cells, self.ledger, n_jobs, say=self._say, **polled)

    def _sharing(self, config: Config) -> list[Config]:
        """Return the configurations that can use the same workers."""
        workers = (config.n_jobs, WorkerSetup.of(config))
        return [other for other in self._configs if (other.n_jobs, WorkerSetup.of(other)) == workers]

    @property
    def needed(self) -> list[Cell]:
        """Cells without whose results the sweep is not finished."""
        return self.cells

    # ------------------------------------------------------------------ jobs that other processes run

    def follow(self) -> None:
        """Show and upload cells that other processes finish, until `finish` or `stop` is called."""
        started = time.time()

        def poll() -> None:
            while not self._stopped.wait(_POLL):
                for cell in self.cells:
                    self._check(cell, started)
                self.progress.poll()

        threading.Thread(target=poll, daemon=True).start()

    def is_done(self, job: int) -> bool:
        """Whether all cells of the configuration with this index have results."""
        return all(self.ledger.entry(cell).state == "done" for cell in self._jobs[job])

    def settle(self, job: int, problem: str = "") -> None:
        """Record that another process has ended its work on a configuration.

        Parameters
        ----------
        job : int
            Index of the configuration.
        problem : str, optional
            Why that process failed as a whole; recorded as the error of the cells that have no result.
        """
        for cell in self._jobs[job]:
            entry = self.ledger.entry(cell)
            done = entry.state == "done"
            if problem and not done:
                entry.fail(problem, cell.description)
            self._end(cell, DONE if done else FAILED if entry.error else ELSEWHERE, entry.error)

    def _check(self, cell: Cell, since: float) -> None:
        entry = self.ledger.entry(cell)
        if cell.id in self.progress.ended or cell.id in self.progress.skipped:
            return
        if entry.result.is_dir():
            self._end(cell, DONE, "")
        elif entry.failed_at() > since:
            self._end(cell, FAILED, entry.error)

    # ------------------------------------------------------------------ the end

    def finish(self) -> None:
        """Upload pending results, and report cells that are not finished or not in MLflow.

        Raises
        ------
        CellError
            If cells are not finished; each is listed with its error and its log.
        StoreError
            If results are not in MLflow yet.
        """
        self._stopped.set()
        for cell in self.cells:
            self._check(cell, float("inf"))
        if self.uploader:
            self.uploader.finish()
        entries = [(cell, self.ledger.entry(cell)) for cell in self.needed]
        diverged = {cell.id for cell, entry in entries if cell.id in self.progress.skipped and entry.diverged}
        self.failures |= dict.fromkeys(diverged, _DIVERGED)
        missing = [(cell, entry) for cell, entry in entries if entry.state != "done" or cell.id in diverged]
        if missing:
            why = {cell.id: self.failures.get(cell.id) or entry.error or entry.state for cell, entry in missing}
            lines = [f"  {cell.label}: {why[cell.id].strip()} (log: {entry.log})\n" for cell, entry in missing]
            raise CellError(
                f"{len(missing)} of {len(entries)} cells are not done:\n{''.join(lines)}"
                "All other results are kept. Run the same command again: it trains only these cells.\n"
                f"{self._untracked()}".rstrip()
            )
        if self.uploader and self.uploader.pending:
            raise StoreError(f"{self._untracked()}\n{self.uploader.error}")
        if not self.uploader:
            self.console.print(self._untracked(), markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> str:
        """Stop all workers and uploads, and say which results are kept and how to resume."""
        self._stopped.set()
        stop_workers()
        if self.uploader:
            self.uploader.stop()
        states = [self.ledger.entry(cell).state for cell in self.cells]
        resumable = sum((self.ledger.entry(cell).state_file).exists() for cell in self.cells)
        return (
            f"{states.count('done')} of {len(states)} cells are done and kept in {self.ledger.root}"
            + (f", {resumable} will resume after their last epoch" if resumable else "")
            + ". Run the same command again: it trains only the missing cells."
        )

    def _untracked(self) -> str:
        """Describe results that are not in MLflow; empty if all are."""
        if not self.uploader:
            return "tracking.uri=null: results are in the ledger only. `python -m plb_ablate.sync` uploads them."
        n = len(self.uploader.pending)
        if not n:
            return ""
        noun = "finished cell is" if n == 1 else "finished cells are"
        return f"{n} {noun} not in MLflow yet. `python -m plb_ablate.sync` or the next run uploads them."

    def _say(self, words: str) -> None:
        self.console.print(words, markup=False, highlight=False, soft_wrap=True)

    def _end(self, cell: Cell, outcome: str, why: str) -> None:
        with self._ends:
            if cell.id in self.progress.ended or cell.id in self.progress.skipped:
                return
            self.progress.end(cell, outcome, why)
        if outcome == FAILED:
            self.failures[cell.id] = why
        if outcome == DONE:
            self._upload(cell)

    def _upload(self, cell: Cell) -> None:
        if self.uploader:
            self.uploader.submit(self.ledger.entry(cell))
