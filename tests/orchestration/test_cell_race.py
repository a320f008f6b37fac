"""Races over cells: the same decisions for any number of workers, after any interruption, and beside failures."""

from pathlib import Path

import numpy as np
import pytest

from plb_ablate.config.schedule import Schedule
from plb_ablate.config.schema import Config
from plb_ablate.core.errors import ConfigError
from plb_ablate.ledger.store import Ledger
from plb_ablate.orchestration.cell_race import CellRace, cell_races, check_race
from plb_ablate.statistics.race import Race
from tests.orchestration.races import EFFECTS, finish_with, hold, race_cells, score_of

CELLS = race_cells()


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory: pytest.TempPathFactory) -> tuple[Race, int]:
    """A race held by one worker that is never interrupted, and the number of its trainings."""
    ledger = Ledger(tmp_path_factory.mktemp("one"))
    race = CellRace(CELLS, ledger, 0.05)
    count = hold(race, ledger, 1, np.random.default_rng(0))
    return race.race, count


def test_a_race_trains_what_it_needs_and_no_more(one_worker: tuple[Race, int]) -> None:
    race, count = one_worker
    assert not race.racing
    assert count == race.trainings < race.planned == 50
    assert {outcome for _, outcome in race.decided.values()} == {"shown", "futile"}
    assert race.decided["routing"][1] == "shown"


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_decisions_are_the_same_for_any_number_of_workers(
    tmp_path: Path, workers: int, one_worker: tuple[Race, int]
) -> None:
    for order in range(3):
        ledger = Ledger(tmp_path / str(order))
        race = CellRace(CELLS, ledger, 0.05)
        count = hold(race, ledger, workers, np.random.default_rng(order))
        assert repr(race.race) == repr(one_worker[0])
        assert count == one_worker[1], "no cell is trained that a race of one worker would not have trained"


def test_decisions_are_the_same_after_any_interruption(tmp_path: Path, one_worker: tuple[Race, int]) -> None:
    rng, ledger, trained = np.random.default_rng(4), Ledger(tmp_path), 0
    for _ in range(40):
        race = CellRace(CELLS, ledger, 0.05)
        trained += hold(race, ledger, 2, rng, most=int(rng.integers(1, 5)))
    assert repr(race.race) == repr(one_worker[0])
    assert trained == one_worker[1]


def test_no_worker_is_idle_while_a_variant_cannot_leave(tmp_path: Path) -> None:
    """With one cell of a round outstanding, the next round of those that stay has begun."""
    ledger = Ledger(tmp_path)
    race = CellRace(CELLS, ledger, 0.0)  # none is futile, so that those which are not shown stay
    for cell in CELLS:
        if cell.fold < 6 and not (cell.fold == 5 and cell.settings["ablation"] == "dwscnn"):
            finish_with(ledger, cell, score_of(cell))
    race.advance()
    assert len(race.race.looks) == 5
    started: set[str] = set()
    offered = []
    while offer := race.next_cell(started):
        started.add(offer.id)
        offered.append((offer.settings["ablation"], offer.fold))
    assert offered[0] == ("dwscnn", 5)
    assert ("none", 6) in offered
    assert ("cbam", 6) in offered
    assert ("dwscnn", 6) not in offered
    assert all(fold == 6 for _, fold in offered[1:])


def test_the_first_rounds_which_decide_nothing_are_all_open_at_once(tmp_path: Path) -> None:
    race = CellRace(CELLS, Ledger(tmp_path), 0.05)
    started: set[str] = set()
    while cell := race.next_cell(started):
        started.add(cell.id)
    assert len(started) == 3 * len(EFFECTS)


def test_a_failed_cell_is_no_evidence_and_does_not_end_the_race(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    race = CellRace(CELLS, ledger, 0.05)
    (broken,) = (cell for cell in CELLS if (cell.settings["ablation"], cell.fold) == ("routing", 1))
    race.failed.add(broken.id)
    hold(race, ledger, 2, np.random.default_rng(0))
    assert not race.race.racing
    number, standing = race.race.standings["routing"]
    assert standing.outcome == "shown"
    assert standing.test is not None
    assert standing.test.n == number - 1
    assert not ledger.entry(broken).result.is_dir()
    assert broken not in race.spared, "a failed cell of a round that was needed is missing, not spared"
    again = CellRace(CELLS, ledger, 0.05)
    again.advance()
    assert again.next_cell(()) == broken, "it is tried again by the next sweep"


def test_a_diverged_training_is_no_evidence(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for cell in CELLS:
        if cell.fold < 3:
            diverged = (cell.settings["ablation"], cell.fold) == ("sa", 0)
            finish_with(ledger, cell, score_of(cell), "nan" if diverged else "0.5")
    race = CellRace(CELLS, ledger, 0.0)
    race.advance()
    tests = {name: standing.test for name, standing in race.race.looks[2].standings.items()}
    assert tests["sa"] is not None
    assert tests["sa"].n == 2
    assert tests["cbam"] is not None
    assert tests["cbam"].n == 3


def test_what_is_spared_has_no_result_and_lies_after_the_decision(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    race = CellRace(CELLS, ledger, 0.05)
    hold(race, ledger, 2, np.random.default_rng(0))
    assert len(race.spared) == race.race.saved > 0
    assert all(
        cell.fold >= race.race.decided[cell.settings["ablation"]][0]
        for cell in race.spared
        if cell.settings["ablation"] != "none"
    )
    for cell in race.spared:
        finish_with(ledger, cell, score_of(cell))
    whole = CellRace(CELLS, ledger, 0.05)
    whole.advance()
    assert repr(whole.race) == repr(race.race), "results beyond a decision do not change it"


def test_seeds_follow_each_other(tmp_path: Path) -> None:
    race = CellRace(race_cells(5, 2), Ledger(tmp_path), 0.05)
    assert race.plan.rounds == tuple((seed, fold) for seed in (42, 43) for fold in range(5))


@pytest.mark.parametrize(
    ("ablations", "fold", "words"),
    [
        (["cbam", "sa"], None, "ablation=none"),
        (["none"], None, "ablation=none"),
        (["none", "cbam"], 3, "fold=3"),
    ],
)
def test_a_sweep_that_cannot_race_is_refused(ablations: list[str], fold: int | None, words: str) -> None:
    configs = [Config(ablation=name, fold=fold, schedule=Schedule("racing")) for name in ablations]
    with pytest.raises(ConfigError, match=words):
        check_race(configs)


def test_too_few_folds_are_refused(tmp_path: Path) -> None:
    configs = [Config(ablation=name, schedule=Schedule("racing")) for name in ("none", "cbam")]
    with pytest.raises(ConfigError, match="needs 5 folds or more"):
        cell_races(configs, race_cells(4), Ledger(tmp_path))
