"""Several trainings at once: how many samples a second the machine gets through, by workers and threads of each."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Barrier

from plb_ablate.bench.isolated_process import run_beside
from plb_ablate.bench.measurement import Figure
from plb_ablate.bench.steps import BATCH, Stepper

__all__ = ["measure_workers"]

TURNS = 2
"""Times that each layout is observed, by turns; the best counts."""


def measure_workers(
    layouts: Sequence[tuple[int, int]], seconds: float, *, on_start: Callable[[str], None]
) -> list[Figure]:
    """Count samples a second of each layout.

    Parameters
    ----------
    layouts : sequence of (workers, threads of each)
        The others are compared with the first.
    seconds : float
        How long each is observed in a turn.
    on_start : callable
        Receives what is measured next.
    """
    rates = dict.fromkeys(layouts, 0.0)
    for _ in range(TURNS):
        for workers, threads in layouts:
            on_start(f"{workers} trainings of {threads} threads each")
            together = multiprocessing.get_context("spawn").Barrier(workers)
            done = run_beside(_steps_a_second, [(together, seconds)] * workers, threads=threads)
            rates[workers, threads] = max(rates[workers, threads], BATCH * sum(done))
    first = layouts[0]
    return [
        Figure("training", f"{w} x {t}", rate, "samples/s", rate / rates[first], f"{first[0]} x {first[1]}")
        for (w, t), rate in rates.items()
    ]


def _steps_a_second(together: Barrier, seconds: float) -> float:
    """Observe this process for a time that begins when all are warm, and work on until all have been observed."""
    stepper = Stepper.fast("none")
    stepper.step()
    together.wait()
    begin, steps = time.perf_counter(), 0
    while (passed := time.perf_counter() - begin) < seconds:
        stepper.step()
        steps += 1
    stepper.step()
    return steps / passed
