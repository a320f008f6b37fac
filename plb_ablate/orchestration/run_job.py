"""One job of a sweep: trains the cells of one configuration with the workers of this process."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

from plb_ablate.config.schema import Config
from plb_ablate.core.gpus import check_device
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.store import Ledger
from plb_ablate.orchestration.worker import WorkerSetup, reason
from plb_ablate.orchestration.worker_pool import train_cells
from plb_ablate.orchestration.workers_at_once import at_once

__all__ = ["run_job", "train_missing"]


def run_job(config: Config, n_jobs: int | None = None) -> None:
    """Train one configuration of a sweep in a separate process; the process of the sweep checks, shows and uploads.

    An error outside any single cell is recorded for all cells of the configuration that have no result.

    Parameters
    ----------
    config : Config
    n_jobs : int, optional
        As in `Sweep.run`.
    """
    cells, ledger = Plan().cells(config), Ledger(Path(config.ledger))
    try:
        train_missing(config, cells, ledger, n_jobs, say=print, on_end=lambda *_: None)
    except Exception as error:
        for cell in cells:
            if (entry := ledger.entry(cell)).state != "done":
                with suppress(OSError):
                    entry.fail(reason(error), cell.description)
        raise


def train_missing(
    config: Config,
    cells: Sequence[Cell],
    ledger: Ledger,
    n_jobs: int | None,
    *,
    say: Callable[[str], None],
    **callbacks: Any,
) -> None:
    """Train the cells that have no result; `callbacks` are those of `train_cells`.

    `say` is called with a sentence if memory allows fewer workers than cores or GPUs.

    Raises
    ------
    ConfigError
        If the settings ask for a GPU and this machine has none.
    """
    todo = [cell for cell in cells if ledger.entry(cell).state != "done"]
    if not todo:
        return
    check_device(config.device)
    workers, note = at_once(config, len(todo), n_jobs)
    if note:
        say(note)
    train_cells(_grouped(todo, workers), ledger, workers, WorkerSetup.of(config), **callbacks)


def _grouped(cells: Sequence[Cell], workers: int) -> list[Cell]:
    """Order cells so that each worker stays with one variant, which it builds and traces only once."""
    variants: dict[str, list[Cell]] = {}
    for cell in cells:
        variants.setdefault(f"{cell.settings['ablation']} {cell.config_hash}", []).append(cell)
    groups = list(variants.values())
    rounds = (zip_longest(*groups[start : start + workers]) for start in range(0, len(groups), workers))
    return [cell for turn in rounds for row in turn for cell in row if cell]
