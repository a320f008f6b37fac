"""Training steps: the fast layers beside the plain port, by turns, and both beside the machine's matrix peak."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from plb_ablate.bench.isolated_process import run_alone
from plb_ablate.bench.measurement import Figure
from plb_ablate.config.schema import Trainer

__all__ = ["BATCH", "Stepper", "measure_steps"]

BATCH = 32
"""Utterances in a step."""

CLASSES = 8

PROCESSES = 2
"""Processes that a step is timed in: where its arrays come to lie in memory makes some 5 % of its time."""


class Stepper:
    """One training step as the sweep's own trainer makes it: Keras ``train_on_batch`` of a compiled model."""

    def __init__(self, model: Any, features: Any) -> None:
        classes = model.output_shape[-1]
        self.model, self.features = model, features
        self.targets = np.eye(classes, dtype=np.float32)[np.arange(len(features)) % classes]

    @classmethod
    def fast(cls, ablation: str, classes: int = CLASSES, batch: int = BATCH) -> "Stepper":
        """Of the trainer of an ablation, on features drawn at random."""
        from plb_ablate.training.trainer import FoldTrainer

        return cls(FoldTrainer(classes, ablation, "coefficient", Trainer()).model, random_features(batch))

    @classmethod
    def plain(cls, ablation: str, classes: int = CLASSES, batch: int = BATCH) -> "Stepper":
        """Of the plain port, compiled as the trainer compiles its model."""
        from plb_ablate.bench.plain_port import plain_model
        from plb_ablate.training.setup import compile_for_training

        model = plain_model(classes, ablation)
        compile_for_training(model, Trainer())
        return cls(model, random_features(batch))

    def step(self) -> float:
        """Do one step; give its seconds."""
        begin = time.perf_counter()
        self.model.train_on_batch(self.features, self.targets)
        return time.perf_counter() - begin


def random_features(batch: int) -> Any:
    """Features of a batch, float32 (batch, 196, 39, 1); their values do not change the time."""
    return np.random.default_rng(0).standard_normal((batch, 196, 39, 1)).astype(np.float32)


def measure_steps(
    ablations: Sequence[str], threads: int, turns: int, *, on_start: Callable[[str], None]
) -> list[Figure]:
    """Time a step of 32 of every ablation, fast and plain by turns, in two processes; the smallest time counts.

    Returns
    -------
    list of Figure
        ``training step`` in ms, its ratio to the plain port's; then the share of the matrix peak that the fast step of
        the first ablation reaches, counting the plain port's multiplications.
    """
    figures = []
    for number, ablation in enumerate(ablations):
        on_start(f"training step of {ablation}")
        observed = [run_alone(_step_times, ablation, turns, threads=threads) for _ in range(PROCESSES)]
        found = {name: _best(name, [one[name] for one in observed]) for name in observed[0]}
        setting = f"{ablation}, {threads} threads"
        ratio = found["fast"] / found["plain"]
        figures.append(Figure("training step of 32", setting, 1e3 * found["fast"], "ms", ratio, "plain port"))
        if number == 0:
            figures.append(Figure("matrix product", f"{threads} threads", found["peak"] / 1e9, "GFLOP/s"))
            rate = found["work"] / found["fast"]
            share = rate / found["peak"]
            figures.append(Figure("training step's rate", setting, rate / 1e9, "GFLOP/s", share, "matrix product"))
    return figures


def _best(name: str, values: Sequence[float]) -> float:
    return min(values) if name in ("fast", "plain") else max(values)


def _step_times(ablation: str, turns: int) -> dict[str, float]:
    steppers = {"fast": Stepper.fast(ablation), "plain": Stepper.plain(ablation)}
    work = 3 * _multiplications(steppers["plain"].model)
    for stepper in steppers.values():
        stepper.step()
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(turns):
        for name, stepper in steppers.items():
            times[name].append(stepper.step())
    return {name: min(values) for name, values in times.items()} | {"work": work, "peak": _matrix_peak()}


def _multiplications(model: Any) -> float:
    """Floating-point operations of a forward pass of one batch; a training step takes about three times as many."""
    import tensorflow as tf

    spec = tf.TensorSpec((BATCH, *model.input_shape[1:]), tf.float32)
    graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    profile = tf.compat.v1.profiler.profile(graph, options=options | {"output": "none"})
    return float(profile.total_float_ops)


def _matrix_peak(size: int = 2048, turns: int = 6) -> float:
    """Floating-point operations a second of a large matrix product, measured on the spot."""
    import tensorflow as tf

    matrix = tf.random.stateless_uniform((size, size), seed=(0, 0))
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    product().numpy()
    seconds = []
    for _ in range(turns):
        begin = time.perf_counter()
        product().numpy()
        seconds.append(time.perf_counter() - begin)
    return 2 * size**3 / min(seconds)
