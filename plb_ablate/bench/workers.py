"""Throughput of parallel trainings: samples per second, by number of workers and threads of each."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Barrier

from plb_ablate.bench.isolated_process import run_beside
from plb_ablate.bench.measurement import Measurement
from plb_ablate.bench.steps import BATCH, Stepper, published_network

__all__ = ["measure_workers"]

TURNS = 2
"""Number of times that each layout is measured, in turns; the best counts."""


def measure_workers(
    layouts: Sequence[tuple[int, int]], seconds: float, *, on_start: Callable[[str], None]
) -> list[Measurement]:
    """Measure the samples per second of each layout.

    Parameters
    ----------
    layouts : sequence of (workers, threads of each)
        The first is the reference for the ratios.
    seconds : float
        Duration of one measurement.
    on_start : callable
        Called with the name of each measurement before it starts.
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
        Measurement("training", f"{w} x {t}", rate, "samples/s", rate / rates[first], f"{first[0]} x {first[1]}")
        for (w, t), rate in rates.items()
    ]


def _steps_a_second(together: Barrier, seconds: float) -> float:
    """Count steps from the moment when all processes are warmed up; continue until the others are finished, too."""
    stepper = Stepper.fast(published_network("none"))
    stepper.step()
    together.wait()
    begin, steps = time.perf_counter(), 0
    while (passed := time.perf_counter() - begin) < seconds:
        stepper.step()
        steps += 1
    stepper.step()
    return steps / passed
