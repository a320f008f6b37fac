"""A sweep whose variants race: after each round it is decided which of them are trained on."""

from collections.abc import Sequence

from plb_ablate.config.schema import Config
from plb_ablate.core.errors import StoreError
from plb_ablate.core.gpus import check_device
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.race_records import write_race
from plb_ablate.orchestration.cell_race import CellRace, cell_races, check_race
from plb_ablate.orchestration.race_words import look_lines, race_record, race_summary
from plb_ablate.orchestration.sweep import Sweep
from plb_ablate.orchestration.worker import FAILED, WorkerSetup
from plb_ablate.orchestration.worker_pool import train_cells
from plb_ablate.orchestration.workers_at_once import at_once

__all__ = ["RacingSweep"]


class RacingSweep(Sweep):
    """A sweep as `Sweep`, but a variant leaves as soon as it is decided.

    Parameters
    ----------
    configs : sequence of Config
        One for each job.

    Raises
    ------
    PlbError
        As `Sweep`; also if the jobs cannot race (`plb_ablate.orchestration.cell_race.cell_races`).
    """

    def __init__(self, configs: Sequence[Config]) -> None:
        check_race(configs)
        super().__init__(configs)
        self.races = cell_races(configs, self.cells, self.ledger)
        for race in self.races:
            self._advance(race)

    @property
    def needed(self) -> list[Cell]:
        """Cells without whose results the sweep is not finished: all but those that a race has spared."""
        spared = {cell.id for race in self.races for cell in race.spared}
        return [cell for cell in self.cells if cell.id not in spared]

    def finish(self) -> None:
        """Finish as `Sweep` does.

        Raises
        ------
        CellError, StoreError
            As of `Sweep`; also if how the races stand is not in MLflow yet.
        """
        super().finish()
        if self.uploader and self.uploader.untagged:
            raise StoreError(
                "How the race stands is not in MLflow yet. `python -m plb_ablate.sync` or the next run writes it.\n"
                f"{self.uploader.error}"
            )

    def run(self, config: Config, n_jobs: int | None = None) -> None:
        """Hold all races that can use the same workers as one of the configurations; the arguments are as of `Sweep`.

        A later call for another of these configurations finds its races held.
        """
        cells = {cell.id for cell in self._plan.cells(*self._sharing(config))}
        races = [race for race in self.races if cells & {cell.id for cell in race.cells.values()}]
        workers, note = at_once(config, n_jobs=n_jobs)
        if any(race.next_cell(self.progress.ended) for race in races):
            check_device(config.device)
            if note:
                self._say(note)
        started, running = set(self.progress.ended), set[str]()

        def more() -> list[Cell]:
            cells = []
            while len(running) < workers and (cell := _next(races, started)):
                started.add(cell.id)
                running.add(cell.id)
                cells.append(cell)
            return cells

        def on_end(cell: Cell, outcome: str, why: str) -> None:
            running.discard(cell.id)
            self._end(cell, outcome, why)
            race = next(race for race in races if race.config_hash == cell.config_hash)
            if outcome == FAILED:
                race.failed.add(cell.id)
            self._advance(race)

        setup = WorkerSetup.of(config)
        train_cells([], self.ledger, workers, setup, on_end=on_end, on_poll=self.progress.poll, more=more)

    def _advance(self, race: CellRace) -> None:
        """Look at the rounds that have become whole, and say, store and show what they decide."""
        looks = race.advance()
        for look in looks:
            for line in look_lines(race.name, race.race, look, left_only=look is not looks[-1]):
                self._say(line)
        if looks:
            record = race_record(race.name, race.race)
            self._say(race_summary(record))
            write_race(self.ledger, race.config_hash, record)
            self.progress.spare(race.spared)
            if self.uploader:
                self.uploader.tag_races()


def _next(races: Sequence[CellRace], started: set[str]) -> Cell | None:
    """Return the next cell of the first race that has one."""
    return next((cell for race in races if (cell := race.next_cell(started))), None)
