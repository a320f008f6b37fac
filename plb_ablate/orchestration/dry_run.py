"""``python -m plb_ablate ... --dry-run``: what a sweep would do, and how long it would take, without training."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from plb_ablate.config.designs import alias_structure, model_lattice
from plb_ablate.config.schema import Config
from plb_ablate.core.gpus import settled_device
from plb_ablate.ledger.cells import same_network_notes
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.store import Ledger
from plb_ablate.ledger.time_estimate import Speed, duration
from plb_ablate.orchestration.model_check import check_models
from plb_ablate.orchestration.workers_at_once import at_once
from plb_ablate.tracking.store import describe

__all__ = ["show"]

_DOES = {
    "done": "skip",
    "running": "leave to its process",
    "stale": "resume",
    "failed": "retry",
    "missing": "train",
}


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
    for line in alias_structure(design, model_lattice(configs[0].model.family)) if design else ():
        print(line)
    ledger = Ledger(Path(configs[0].ledger), create=False)
    plan = Plan()
    cells = plan.cells(*configs)
    check_models(plan, configs, print)
    entries = {cell.id: ledger.entry(cell) for cell in cells}
    states = {id: entry.state for id, entry in entries.items()}
    todo = [cell for cell in cells if states[cell.id] not in ("done", "running")]
    speed = Speed(ledger, settled_device(configs[0].device))
    width = max(len(cell.label) for cell in cells)
    for cell in cells:
        does = _DOES[states[cell.id]]
        if cell in todo:
            now = entries[cell.id].read("progress.json")
            does += f" after epoch {now['epoch']} of {now['epochs']}" if now else ""
            does += f", {duration(speed.seconds(cell, entries[cell.id]))}"
        print(f"{cell.id}  {cell.label:{width}}  {does}")
    counts = Counter(_DOES[states[cell.id]] for cell in cells)
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
    for line in (*plan.remarks, *([fewer] if fewer and todo else [])):
        print(line)
