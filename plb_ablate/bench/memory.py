"""Memory: parameters, saved weights, peaks of a worker, of a training step and of inference.

Except for the worker, this is section 05 of the published page.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from plb_ablate.bench.isolated_process import BenchError, peak_resident_mb, run_alone
from plb_ablate.config.schema import Config
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.store import Ledger
from plb_ablate.models.family import Network
from plb_ablate.orchestration.worker import DONE, WorkerSetup, start_worker, train_cell

__all__ = ["inference_peak", "measure_memory", "size_of", "training_peak", "worker_peak"]

STEPS = 3
"""Training batches, and utterances of inference; the first one already reaches the peak."""


def measure_memory(
    models: Path, network: Network, config: Config, *, on_start: Callable[[str], None]
) -> dict[str, Any]:
    """Measure the memory of a variant.

    Parameters
    ----------
    models : Path
        Folder with ``model_saved`` and ``model_float32.tflite``.
    network : Network
    config : Config
        What the worker trains, for one epoch; its batch size is also that of the training step.
    on_start : callable
        Called with the name of each measurement before it starts.

    Returns
    -------
    dict
        ``params``, ``weights_mb`` (10^6 bytes), and for each process (``worker``, ``training``,
        ``inference TensorFlow``, ``inference LiteRT``): ``resident_mb``, ``runtime_mb`` (before the model was built),
        ``gpu_mb`` (None without a GPU).
    """
    on_start("saved weights")
    peaks: dict[str, Any] = dict(run_alone(size_of, network, models, threads=1))
    on_start("a worker, one epoch")
    peaks["worker"] = _worker(config, models / "ledger")
    on_start("a training")
    peaks["training"] = run_alone(training_peak, network, config.trainer.batch_size, threads=1)
    for runtime in ("TensorFlow", "LiteRT"):
        on_start(f"inference by {runtime}")
        peaks[f"inference {runtime}"] = run_alone(
            inference_peak, runtime, models, network.input_shape[:2], threads=1, tensorflow=runtime == "TensorFlow"
        )
    return peaks


def size_of(network: Network, folder: Path) -> dict[str, float]:
    """Count parameters and the bytes of the saved weights."""
    model = network.build()
    file = folder / "size.weights.h5"
    model.save_weights(file)
    return {"params": model.count_params(), "weights_mb": file.stat().st_size / 1e6}


def _worker(config: Config, ledger: Path) -> dict[str, float | None]:
    trainer = replace(config.trainer, epochs=1)
    cell, *_ = Plan().cells(replace(config, trainer=trainer, ledger=str(ledger), fold=config.fold or 0))
    return dict(run_alone(worker_peak, cell, ledger, WorkerSetup.of(config), threads=1, tensorflow=False))


def worker_peak(cell: Cell, ledger: Path, setup: WorkerSetup) -> dict[str, float | None]:
    """Train a cell in this process, as a worker of a sweep does.

    Raises
    ------
    BenchError
        If the training fails.
    """
    start_worker(setup, os.getppid())
    before = peak_resident_mb()
    if train_cell(cell, ledger) != DONE:
        raise BenchError(f"the training of {cell.label} failed: {Ledger(ledger).entry(cell).error}")
    return _peaks(before)


def training_peak(network: Network, batch: int) -> dict[str, float | None]:
    """Train some batches in this process."""
    from plb_ablate.bench.steps import Stepper

    before = peak_resident_mb()
    stepper = Stepper.fast(network, batch)
    for _ in range(STEPS):
        stepper.step()
    return _peaks(before)


def inference_peak(runtime: str, models: Path, shape: tuple[int, int]) -> dict[str, float | None]:
    """Classify some utterances in this process."""
    import numpy as np

    from plb_ablate.bench.inference import predictor

    before = peak_resident_mb()
    predict = predictor(runtime, 1, models)
    for _ in range(STEPS):
        predict(np.zeros((1, *shape), np.float32))
    return _peaks(before)


def _peaks(before: float) -> dict[str, float | None]:
    resident = peak_resident_mb()
    gpu = None
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            gpu = tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6
    return {"resident_mb": resident, "runtime_mb": before, "gpu_mb": gpu}
