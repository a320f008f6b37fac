"""``python -m plb_ablate ... --dry-run``: what a sweep would do, and how long it would take, without training."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from plb_ablate.config.designs import alias_structure, model_lattice
from plb_ablate.config.schema import Config
from plb_ablate.core.gpus import settled_device
from plb_ablate.ledger.cells import Cell, same_network_notes
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.store import Ledger
from plb_ablate.ledger.time_estimate import Speed, duration
from plb_ablate.orchestration.cell_race import CellRace, cell_races
from plb_ablate.orchestration.model_check import check_models
from plb_ablate.orchestration.workers_at_once import at_once
from plb_ablate.statistics.race_standing import FEWEST_TO_FORECAST
from plb_ablate.tracking.store import describe

__all__ = ["show"]

_DOES = {
    "done": "skip",
    "running": "leave to its process",
    "stale": "resume",
    "failed": "retry",
    "missing": "train",
}


_SPARED = "leave out, its variant is decided"

EXPECTED_SHARE = 0.64
"""Share of the trainings that a race needs in the simulation of docs/racing.md (differences of 0, 1, 3, 8, 18)."""


def show(configs: Sequence[Config], design: str = "") -> None:
    """Print every cell of a sweep, what the sweep would do with it, and an estimate of the time.

    Nothing is trained, and neither the ledger nor a store is created; features missing in the cache are extracted.

    Parameters
    ----------
    configs : sequence of Config
        The jobs.
    design : str
        Name of their design, which is explained first; empty for none.

    Raises
    ------
    PlbError
        If settings, corpora or folds are invalid.
    """
    for line in alias_structure(design, model_lattice(configs[0].model.family, configs[0].modules)) if design else ():
        print(line)
    ledger = Ledger(Path(configs[0].ledger), create=False)
    plan = Plan()
    cells = plan.cells(*configs)
    races = cell_races(configs, cells, ledger) if configs[0].schedule.racing else []
    for race in races:
        race.advance()
    spared = {cell.id for race in races for cell in race.spared}
    check_models(plan, configs, print)
    entries = {cell.id: ledger.entry(cell) for cell in cells}
    states = {id: entry.state for id, entry in entries.items()}
    todo = [cell for cell in cells if states[cell.id] not in ("done", "running") and cell.id not in spared]
    speed = Speed(ledger, settled_device(configs[0].device))
    width = max(len(cell.label) for cell in cells)
    for cell in cells:
        does = _SPARED if cell.id in spared else _DOES[states[cell.id]]
        if cell in todo:
            now = entries[cell.id].read("progress.json")
            does += f" after epoch {now['epoch']} of {now['epochs']}" if now else ""
            does += f", {duration(speed.seconds(cell, entries[cell.id]))}"
        print(f"{cell.id}  {cell.label:{width}}  {does}")
    counts = Counter(_SPARED if cell.id in spared else _DOES[states[cell.id]] for cell in cells)
    print(f"{len(cells)} cells: " + ", ".join(f"{n} to {does}" for does, n in counts.items()) + ".")
    tracking = configs[0].tracking
    print(f"MLflow store: {describe(tracking) if tracking.uri else 'none, results stay in the ledger'}")
    for note in same_network_notes(cells):
        print(note)
    workers, fewer = at_once(configs[0], len(todo))
    total = speed.total(todo, ledger, workers)
    if math.isnan(total):
        print(f"The time is unknown: {ledger.root} has no finished cell to estimate it from.")
    elif todo:
        print(f"About {duration(total)} with {workers} at a time, estimated from the cells in {ledger.root}.")
        for line in _racing(races, todo, total):
            print(line)
    for line in (*plan.remarks, *([fewer] if fewer and todo else [])):
        print(line)


def _racing(races: Sequence[CellRace], todo: Sequence[Cell], total: float) -> list[str]:
    """Say how much of the time of all cells a race is expected to take, and how much at least."""
    if not any(race.race.racing for race in races):
        return []
    planned = sum(race.race.planned for race in races)
    ended = planned - len(todo) - sum(race.race.saved for race in races)
    first = sum(FEWEST_TO_FORECAST * (1 + len(race.plan.variants)) for race in races)
    expected, least = (max(needed - ended, 1) / len(todo) * total for needed in (EXPECTED_SHARE * planned, first))
    return [
        f"That is if no variant leaves the race, as with schedule=all. Racing: about {duration(min(expected, total))} "
        f"({100 * EXPECTED_SHARE:.0f} % of the trainings, as in the simulations of docs/racing.md), at least "
        f"{duration(min(least, total))}, if all leave at their first look."
    ]
