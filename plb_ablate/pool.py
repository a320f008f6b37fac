"""Worker processes that train cells side by side; one that dies takes only its own cell with it."""

import atexit
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait

from pebble import ProcessExpired, ProcessPool

from plb_ablate.cells import Cell
from plb_ablate.ledger import Ledger
from plb_ablate.worker import FAILED, start_worker, train_cell

__all__ = ["train_cells"]

_POLL = 0.5
"""Seconds between two looks at running cells."""

_pools: dict[tuple[int, int], ProcessPool] = {}


def train_cells(
    cells: Sequence[Cell],
    ledger: Ledger,
    n_jobs: int,
    threads: int,
    *,
    on_end: Callable[[Cell, str], None],
    on_poll: Callable[[], None] = lambda: None,
) -> None:
    """Train cells, `n_jobs` at a time.

    Workers stay for the next call, so that TensorFlow is loaded once; they end with this process, whatever ends it.

    Parameters
    ----------
    cells : sequence of Cell
    ledger : Ledger
    n_jobs, threads : int
        Processes, and TensorFlow threads of each.
    on_end : callable
        Receives each cell with how it ended (see `plb_ablate.worker`), as soon as it has.
    on_poll : callable
        Called about twice a second.
    """
    pool = _pool(n_jobs, threads)
    waiting: dict[Future[str], Cell] = {
        pool.schedule(train_cell, args=(cell, ledger.root.resolve())): cell for cell in cells
    }
    try:
        while waiting:
            done, _ = wait(waiting, timeout=_POLL, return_when=FIRST_COMPLETED)
            for future in done:
                cell = waiting.pop(future)
                on_end(cell, _outcome(future, cell, ledger))
            on_poll()
    except BaseException:
        stop_workers()
        raise


def stop_workers() -> None:
    """End all workers at once; their cells go on from their last epoch in the next sweep."""
    while _pools:
        _, pool = _pools.popitem()
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def _pool(n_jobs: int, threads: int) -> ProcessPool:
    if (n_jobs, threads) not in _pools:
        stop_workers()
        os.environ.update(OMP_NUM_THREADS=str(threads), TF_CPP_MIN_LOG_LEVEL="3")
        _pools[n_jobs, threads] = ProcessPool(
            n_jobs,
            initializer=start_worker,
            initargs=(threads, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )
    return _pools[n_jobs, threads]


def _outcome(future: Future[str], cell: Cell, ledger: Ledger) -> str:
    try:
        return str(future.result())
    except (ProcessExpired, CancelledError) as error:
        ledger.entry(cell).fail(f"the process that trained it ended: {error}")
    except Exception as error:
        ledger.entry(cell).fail(f"{type(error).__name__}: {error}")
    return FAILED


atexit.register(stop_workers)
