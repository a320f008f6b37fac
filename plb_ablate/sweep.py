"""A sweep from end to end: check everything, train what is missing, deliver to MLflow, sum up."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from plb_ablate.audit import audit_prepared
from plb_ablate.cells import Cell, plan_cells
from plb_ablate.config import Config
from plb_ablate.errors import CellError, ConfigError, StoreError
from plb_ablate.leakage import LeakageReport
from plb_ablate.ledger import Ledger
from plb_ablate.pool import train_cells
from plb_ablate.prepared import PreparedCorpus, prepare
from plb_ablate.progress import SweepProgress
from plb_ablate.track import Tracker
from plb_ablate.worker import DONE

__all__ = ["Sweep"]


class Sweep:
    """All cells of one or more configurations that share a ledger and a store.

    Making one is the check before the work: corpora are read, features extracted, folds made, the ledger and the store
    opened. What is wrong is an error here, before any training.

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
        self._corpora: dict[tuple[str, str], tuple[PreparedCorpus, Path]] = {}
        self.console = Console(stderr=True)
        places = {(config.ledger, config.tracking.uri, config.tracking.experiment) for config in configs}
        if len(places) > 1:
            raise ConfigError(f"one sweep writes to one ledger and one store, but this one names {sorted(places)}.")
        self.cells = [cell for config in configs for cell in self._cells(config)]
        self.ledger = Ledger(Path(configs[0].ledger))
        self._audit(configs)
        self.tracker = Tracker(configs[0].tracking, self.ledger)
        self.progress = SweepProgress(self.cells, self.ledger, self.console)
        self.undelivered: dict[str, StoreError] = {}

    def run(self, config: Config, n_jobs: int | None = None) -> None:
        """Train the cells of one of the configurations, and deliver each as soon as it is done.

        Parameters
        ----------
        config : Config
        n_jobs : int, optional
            Cells trained at the same time; by default what the configuration says, or as many as there are cores.
        """
        done: list[Cell] = []
        todo: list[Cell] = []
        for cell in self._cells(config):
            (done if self.ledger.entry(cell).state == "done" else todo).append(cell)
        for cell in done:
            self._deliver(cell)
        workers = min(n_jobs or config.n_jobs or len(os.sched_getaffinity(0)), max(len(todo), 1))
        train_cells(todo, self.ledger, workers, config.threads, on_end=self._end, on_poll=self.progress.poll)

    def finish(self) -> None:
        """Say what is not done or not in MLflow.

        Raises
        ------
        CellError
            If cells are not done; each is listed with its error and its log.
        StoreError
            If results are not in MLflow yet.
        """
        entries = [(cell, self.ledger.entry(cell)) for cell in self.cells]
        missing = [(cell, entry) for cell, entry in entries if entry.state != "done"]
        if missing:
            lines = [f"  {cell.label}: {e.error.strip() or e.state} (log: {e.log})\n" for cell, e in missing]
            raise CellError(
                f"{len(missing)} of {len(entries)} cells are not done:\n{''.join(lines)}"
                "The others are kept. Run the same command again: it trains only these."
            )
        if self.undelivered:
            reason = next(iter(self.undelivered.values()))
            raise StoreError(f"{len(self.undelivered)} finished cells are not in MLflow yet: {reason}")

    def _cells(self, config: Config) -> list[Cell]:
        key = (config.dataset.name, config.dataset.root)
        if key not in self._corpora:
            cache = Path(config.cache)
            prepared = prepare(config.dataset.name, Path(config.dataset.root), cache / "features")
            self._corpora[key] = prepared, prepared.save(cache / "corpora").resolve()
        return plan_cells(config, *self._corpora[key])

    def _audit(self, configs: Sequence[Config]) -> None:
        """Look for leaks in every corpus and protocol of the sweep; keep what is found, to be stored with the runs."""
        audits: dict[tuple[str, str], LeakageReport] = {}
        for config in configs:
            prepared, _ = self._corpora[config.dataset.name, config.dataset.root]
            key = (prepared.content, str(config.protocol))
            if key not in audits:
                audits[key] = audit_prepared(prepared, config.protocol)
                audits[key].check(config.protocol)
                for line in audits[key].warnings():
                    self.console.print(f"warning: {line}", markup=False, highlight=False)
            for cell in self._cells(config)[:1]:
                self.ledger.write_audit(cell, audits[key].to_dict())

    def _end(self, cell: Cell, outcome: str) -> None:
        self.progress.end(cell, outcome)
        if outcome == DONE:
            self._deliver(cell)

    def _deliver(self, cell: Cell) -> None:
        try:
            self.tracker.deliver(self.ledger.entry(cell))
            self.undelivered.pop(cell.id, None)
        except StoreError as error:
            self.undelivered[cell.id] = error
