"""Worker processes that train cells in parallel; if one dies, only its own cell fails."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import suppress
from multiprocessing.util import Finalize

from pebble import ProcessExpired, ProcessPool

from plb_ablate.core.signals import without_ctrl_c
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.store import Ledger
from plb_ablate.orchestration.worker import FAILED, WorkerSetup, environment, reason, start_worker, train_cell

__all__ = ["stop_workers", "train_cells"]

_POLL = 0.5
"""Seconds between two checks of running cells."""

_pools: dict[tuple[int, WorkerSetup], ProcessPool] = {}


def train_cells(
    cells: Sequence[Cell],
    ledger: Ledger,
    n_jobs: int,
    setup: WorkerSetup,
    *,
    on_end: Callable[[Cell, str, str], None],
    on_poll: Callable[[], None] = lambda: None,
    more: Callable[[], Sequence[Cell]] = lambda: (),
) -> None:
    """Train cells, `n_jobs` at a time.

    Workers are kept for the next call, so that TensorFlow is loaded once; they end when this process ends.

    Parameters
    ----------
    cells : sequence of Cell
    ledger : Ledger
    n_jobs : int
        Number of processes.
    setup : WorkerSetup
        Threads and device of each.
    on_end : callable
        Called for each cell as soon as it has ended, with its outcome (see `train_cell`) and why it failed.
    on_poll : callable
        Called about twice a second.
    more : callable
        Called at the start, and after cells have ended; returns further cells to train.
    """
    pool = _pool(n_jobs, setup)
    waiting: dict[Future[str], Cell] = {}

    def schedule(cells: Sequence[Cell]) -> None:
        with without_ctrl_c():
            for cell in cells:
                waiting[pool.schedule(train_cell, args=(cell, ledger.root.resolve()))] = cell

    try:
        schedule([*cells, *more()])
        while waiting:
            done, _ = wait(waiting, timeout=_POLL, return_when=FIRST_COMPLETED)
            for future in done:
                cell = waiting.pop(future)
                on_end(cell, *_outcome(future, cell, ledger))
            if done:
                schedule(more())
            on_poll()
    except BaseException:
        stop_workers()
        raise


def stop_workers() -> None:
    """Stop all workers immediately; the next sweep resumes their cells from the last epoch."""
    while _pools:
        _, pool = _pools.popitem()
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def _pool(n_jobs: int, setup: WorkerSetup) -> ProcessPool:
    if (n_jobs, setup) not in _pools:
        stop_workers()
        os.environ.update(environment(setup.threads))
        _pools[n_jobs, setup] = ProcessPool(
            n_jobs,
            initializer=start_worker,
            initargs=(setup, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )
    return _pools[n_jobs, setup]


def _outcome(future: Future[str], cell: Cell, ledger: Ledger) -> tuple[str, str]:
    entry = ledger.entry(cell)
    try:
        outcome = str(future.result())
        return outcome, entry.error if outcome == FAILED else ""
    except (ProcessExpired, CancelledError) as error:
        why = f"the process that trained it ended: {error}"
    except Exception as error:
        why = reason(error)
    with suppress(OSError):  # if the ledger cannot be written, the sweep continues and reports it at the end
        entry.fail(why, cell.description)
    return FAILED, why


Finalize(
    None, stop_workers, exitpriority=100
)  # runs before multiprocessing waits for its children, also in processes of launchers
