"""A sweep from end to end: check everything, train what is missing, deliver to MLflow, sum up."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from plb_ablate.config.schema import Config
from plb_ablate.core.errors import CellError, ConfigError, StoreError
from plb_ablate.core.provenance import has_bfloat16
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.store import Ledger
from plb_ablate.orchestration.progress import SweepProgress
from plb_ablate.orchestration.run_job import train_missing
from plb_ablate.orchestration.worker import DONE, ELSEWHERE, FAILED
from plb_ablate.orchestration.worker_pool import stop_workers
from plb_ablate.splits.leakage import audit_prepared
from plb_ablate.splits.leakage_report import LeakageReport
from plb_ablate.tracking.background_uploader import Courier
from plb_ablate.tracking.mlflow_writer import check_store

__all__ = ["Sweep"]

_LOOK = 1.0
"""Seconds between two looks at cells that other processes train."""


class Sweep:
    """All cells of one or more configurations that share a ledger and a store.

    Making one is the check before the work: the store is reached, corpora are read, features extracted, folds made and
    audited, the ledger and the store opened. What is wrong is an error here, before any training.

    Parameters
    ----------
    configs : sequence of Config
        One a job.

    Raises
    ------
    PlbError
        Whatever is wrong with settings, corpora, folds, ledger or store.
    """

    def __init__(self, configs: Sequence[Config]) -> None:
        self.console = Console(stderr=True)
        places = {(config.ledger, config.tracking.uri, config.tracking.experiment) for config in configs}
        if len(places) > 1:
            raise ConfigError(f"one sweep writes to one ledger and one store, but this one names {sorted(places)}.")
        tracking = configs[0].tracking
        if tracking.uri:
            check_store(tracking.uri)
        self._plan, self._configs = Plan(), configs
        self._jobs = list(self._plan.jobs(configs))
        self.cells = [cell for job in self._jobs for cell in job]
        self.ledger = Ledger(Path(configs[0].ledger))
        self._audit(configs)
        self.courier = Courier(tracking, self.ledger) if tracking.uri else None
        self.progress = SweepProgress(self.cells, self.ledger, self.console)
        self.failures: dict[str, str] = {}
        self._elsewhere = threading.Event()
        self._ends = threading.Lock()
        for cell in self.cells:
            if cell.id in self.progress.skipped:
                self._deliver(cell)

    def run(self, config: Config, n_jobs: int | None = None) -> None:
        """Train the cells of one of the configurations, and deliver each as soon as it is done.

        The other configurations that may share its workers are trained along, so that no core waits for the last fold
        of a variant; their own call finds their cells ended.

        Parameters
        ----------
        config : Config
        n_jobs : int, optional
            Cells trained at the same time; by default what the configuration says, or as many as there are cores.
        """
        along = [other for other in self._configs if (other.n_jobs, other.threads) == (config.n_jobs, config.threads)]
        cells = [cell for cell in self._plan.cells(*along) if cell.id not in self.progress.ended]
        train_missing(config, cells, self.ledger, n_jobs, on_end=self._end, on_poll=self.progress.poll)

    # ------------------------------------------------------------------ jobs that other processes run

    def follow(self) -> None:
        """Show and deliver, until `finish` or `stop`, cells that other processes train, each as soon as it is done."""
        began = time.time()

        def look() -> None:
            while not self._elsewhere.wait(_LOOK):
                for cell in self.cells:
                    self._look(cell, began)
                self.progress.poll()

        threading.Thread(target=look, daemon=True).start()

    def is_done(self, job: int) -> bool:
        """Whether all cells of a configuration, by its place among them, have their results."""
        return all(self.ledger.entry(cell).state == "done" for cell in self._jobs[job])

    def settle(self, job: int, problem: str = "") -> None:
        """Take note that a configuration has ended that another process ran.

        Parameters
        ----------
        job : int
            Its place among the configurations.
        problem : str, optional
            Why that process failed as a whole; it becomes the error of the cells that have no result.
        """
        for cell in self._jobs[job]:
            entry = self.ledger.entry(cell)
            done = entry.state == "done"
            if problem and not done:
                entry.fail(problem, cell.description)
            self._end(cell, DONE if done else FAILED if entry.error else ELSEWHERE, entry.error)

    def _look(self, cell: Cell, since: float) -> None:
        entry = self.ledger.entry(cell)
        if cell.id in self.progress.ended or cell.id in self.progress.skipped:
            return
        if entry.result.is_dir():
            self._end(cell, DONE, "")
        elif entry.failed_at() > since:
            self._end(cell, FAILED, entry.error)

    # ------------------------------------------------------------------ the end

    def finish(self) -> None:
        """Deliver what waits, and say what is not done or not in MLflow.

        Raises
        ------
        CellError
            If cells are not done; each is listed with its error and its log.
        StoreError
            If results are not in MLflow yet.
        """
        self._elsewhere.set()
        for cell in self.cells:
            self._look(cell, float("inf"))
        if self.courier:
            self.courier.finish()
        entries = [(cell, self.ledger.entry(cell)) for cell in self.cells]
        missing = [(cell, entry) for cell, entry in entries if entry.state != "done"]
        if missing:
            why = {cell.id: self.failures.get(cell.id) or entry.error or entry.state for cell, entry in missing}
            lines = [f"  {cell.label}: {why[cell.id].strip()} (log: {entry.log})\n" for cell, entry in missing]
            raise CellError(
                f"{len(missing)} of {len(entries)} cells are not done:\n{''.join(lines)}"
                f"The others are kept. Run the same command again: it trains only these.\n{self._untracked()}".rstrip()
            )
        if self.courier and self.courier.waiting:
            raise StoreError(f"{self._untracked()}\n{self.courier.error}")
        if not self.courier:
            self.console.print(self._untracked(), markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> str:
        """End all workers and the delivery, and say what is kept and how to go on."""
        self._elsewhere.set()
        self.progress.__exit__(None, None, None)
        stop_workers()
        if self.courier:
            self.courier.stop()
        states = [self.ledger.entry(cell).state for cell in self.cells]
        begun = sum((self.ledger.entry(cell).state_file).exists() for cell in self.cells)
        return (
            f"{states.count('done')} of {len(states)} cells are done and kept in {self.ledger.root}"
            + (f", {begun} go on after their last epoch" if begun else "")
            + ". Run the same command again: it does only what is missing."
        )

    def _untracked(self) -> str:
        """What to say of results that are not in MLflow; empty if all are."""
        if not self.courier:
            return "tracking.uri=null: results are in the ledger only. `python -m plb_ablate.sync` delivers them."
        n = len(self.courier.waiting)
        if not n:
            return ""
        noun = "finished cell is" if n == 1 else "finished cells are"
        return f"{n} {noun} not in MLflow yet. `python -m plb_ablate.sync` or the next run delivers what waits."

    def _audit(self, configs: Sequence[Config]) -> None:
        """Look for leaks in every corpus and protocol of the sweep; keep what is found, to be stored with the runs."""
        audits: dict[tuple[str, str], LeakageReport] = {}
        if any(config.trainer.precision == "bfloat16" for config in configs) and not has_bfloat16():
            self._warn("this processor has no bfloat16 of its own: trainer.precision=bfloat16 is slower here.")
        for config in configs:
            prepared = self._plan.corpus(config)
            key = (prepared.content, str(config.protocol))
            if key not in audits:
                audits[key] = audit_prepared(prepared, config.protocol)
                audits[key].check(config.protocol)
                for line in audits[key].warnings():
                    self._warn(line)
            for cell in self._plan.cells(config)[:1]:
                self.ledger.write_audit(cell, audits[key].to_dict())

    def _warn(self, words: str) -> None:
        self.console.print(f"warning: {words}", markup=False, highlight=False, soft_wrap=True)

    def _end(self, cell: Cell, outcome: str, why: str) -> None:
        with self._ends:
            if cell.id in self.progress.ended or cell.id in self.progress.skipped:
                return
            self.progress.end(cell, outcome, why)
        if outcome == FAILED:
            self.failures[cell.id] = why
        if outcome == DONE:
            self._deliver(cell)

    def _deliver(self, cell: Cell) -> None:
        if self.courier:
            self.courier.take(self.ledger.entry(cell))
