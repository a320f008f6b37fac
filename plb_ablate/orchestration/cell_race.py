"""A race over the cells of a sweep: what the ledger's results decide, and which cell is trained next."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence

from plb_ablate.config.schema import Config
from plb_ablate.core.errors import ConfigError
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.models.family import WHOLE
from plb_ablate.report.study import PRIMARY_METRIC
from plb_ablate.statistics.paired_test import FEWEST_FOLDS, FoldScore
from plb_ablate.statistics.race import Look, Race, look_at, may_leave
from plb_ablate.statistics.race_standing import FEWEST_TO_FORECAST, RacePlan, Round, Scores

__all__ = ["CellRace", "cell_races", "check_race"]

Place = tuple[str, Round]
"""Variant, and seed and fold, of a cell."""


def check_race(configs: Sequence[Config]) -> None:
    """Check that the jobs of a sweep can race.

    Raises
    ------
    ConfigError
        If the reference or its rivals are missing, or only one fold is trained.
    """
    variants = list(dict.fromkeys(config.ablation for config in configs))
    if WHOLE not in variants or len(variants) < 2:
        raise ConfigError(
            f"schedule=racing compares variants with ablation={WHOLE}, but this sweep has ablation="
            f"{','.join(variants)}. Add -m and both, for example -m ablation={WHOLE},cbam; or use schedule=all."
        )
    folds = sorted({config.fold for config in configs if config.fold is not None})
    if folds:
        raise ConfigError(
            f"schedule=racing goes through all folds, but fold={','.join(map(str, folds))} is set. Leave out fold=, or "
            "use schedule=all."
        )


def cell_races(configs: Sequence[Config], cells: Iterable[Cell], ledger: Ledger) -> "list[CellRace]":
    """Return a race for each group of cells of a sweep that may be compared.

    Raises
    ------
    ConfigError
        As `check_race`; also if the protocol makes too few folds.
    """
    check_race(configs)
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.config_hash, []).append(cell)
    return [CellRace(group, ledger, configs[0].schedule.futility) for group in groups.values()]


class CellRace:
    """One race: the cells of all variants that share everything but the ablation and the seed.

    Decisions depend on nothing but the results in the ledger, and on whole rounds only. They are the same after an
    interruption, and for any number of workers.

    Parameters
    ----------
    cells : sequence of Cell
        Every fold of every seed of the reference and the variants.
    ledger : Ledger
        Where their results are.
    futility : float
        ``schedule.futility``.

    Attributes
    ----------
    failed : set of str
        Ids of cells that failed now: they have ended, and are no evidence.

    Raises
    ------
    ConfigError
        If there are fewer folds than a test needs.
    """

    def __init__(self, cells: Sequence[Cell], ledger: Ledger, futility: float) -> None:
        first = cells[0]
        if first.n_folds < FEWEST_FOLDS:
            raise ConfigError(
                f"schedule=racing needs {FEWEST_FOLDS} folds or more, below which there is no test, but "
                f"protocol={first.settings['protocol']['name']} makes {first.n_folds} of {first.settings['dataset']}. "
                "Raise protocol.n_splits, or use schedule=all."
            )
        self.cells = {(cell.settings["ablation"], (cell.settings["seed"], cell.fold)): cell for cell in cells}
        variants = tuple(dict.fromkeys(name for name, _ in self.cells if name != WHOLE))
        seeds = dict.fromkeys(seed for _, (seed, _) in self.cells)
        rounds = tuple((seed, fold) for seed in seeds for fold in range(first.n_folds))
        self.plan = RacePlan(variants, rounds, futility)
        self.name = first.settings["dataset"]
        self.config_hash = first.config_hash
        self.failed: set[str] = set()
        self._metric = PRIMARY_METRIC[first.settings["protocol"]["name"]][1]
        self._ledger, self._looks = ledger, list[Look]()
        self._scores: dict[str, dict[Round, FoldScore]] = {name: {} for name in (WHOLE, *variants)}
        self._done: set[Place] = set()
        self._staying: set[tuple[str, int]] = set()

    @property
    def race(self) -> Race:
        """The race as far as it was held."""
        return Race(self.plan, tuple(self._looks))

    def advance(self) -> list[Look]:
        """Look at every round that has become whole; return the new looks."""
        before = len(self._looks)
        while self.race.racing and len(self._looks) < len(self.plan.rounds):
            place = self.plan.rounds[len(self._looks)]
            if not all(self._ended((name, place)) for name in (WHOLE, *self.race.racing)):
                break
            self._looks.append(look_at(self.plan, self._looks, self._reference, self._scores))
        return self._looks[before:]

    def next_cell(self, started: Collection[str]) -> Cell | None:
        """Return the cell to train next, given the ids of those that were started; None if none is sure to be needed.

        First come the cells of the present round, then those of the next one of variants that cannot leave any more.
        """
        return next((cell for cell in self._needed() if cell.id not in started and cell.id not in self.failed), None)

    @property
    def spared(self) -> list[Cell]:
        """Cells without a result that are not needed, because their variant, or the whole race, is decided."""
        late = {name: set(self.plan.rounds[number:]) for name, number in self.race.left.items()}
        return [
            cell for (name, place), cell in self.cells.items() if place in late.get(name, ()) and not self._has(cell)
        ]

    def _needed(self) -> Iterator[Cell]:
        """Yield the open cells that are certain to be needed, the present round first."""
        racing, number = self.race.racing, len(self._looks)
        while racing and number < len(self.plan.rounds):
            for name in (WHOLE, *racing):
                place = (name, self.plan.rounds[number])
                if not self._ended(place):
                    yield self.cells[place]
            number += 1
            racing = tuple(name for name in racing if self._stays(name, number))

    def _stays(self, name: str, number: int) -> bool:
        """Whether a variant is certain to be in the race after a look that is still to come."""
        if len({fold for _, fold in self.plan.rounds[:number]}) < FEWEST_TO_FORECAST:
            return True
        if number > len(self._looks) + 1:
            return False
        if (name, number) in self._staying:
            return True
        if not all(self._ended((who, self.plan.rounds[number - 1])) for who in (WHOLE, name)):
            return False
        if may_leave(self.plan, self._looks, self._reference, self._scores, name):
            return False
        self._staying.add((name, number))
        return True

    @property
    def _reference(self) -> Scores:
        return self._scores[WHOLE]

    def _ended(self, place: Place) -> bool:
        """Whether a cell has a result, whose score is read, or has failed."""
        cell, (name, key) = self.cells[place], place
        if place in self._done or cell.id in self.failed:
            return True
        entry = self._ledger.entry(cell)
        if not entry.result.is_dir():
            return False
        self._done.add(place)
        if score := self._score(entry):
            self._scores[name][key] = score
        return True

    def _has(self, cell: Cell) -> bool:
        return self._ledger.entry(cell).result.is_dir()

    def _score(self, entry: LedgerEntry) -> FoldScore | None:
        """Return the score of a result; None if it diverged."""
        found = entry.read("result/scores.json")
        value = found["rules"][found["headline"]].get(self._metric, math.nan)
        if entry.diverged or not math.isfinite(value):
            return None
        return FoldScore(value, found["sizes"]["train"], found["sizes"]["test"])
