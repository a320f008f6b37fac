"""Time of a training step: fast layers and plain Keras layers, in turns, compared with the peak of matrix products."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from plb_ablate.bench.isolated_process import run_alone
from plb_ablate.bench.measurement import Measurement
from plb_ablate.config.features import PUBLISHED
from plb_ablate.config.trainer import Trainer
from plb_ablate.models.family import WHOLE, Network, Shape
from plb_ablate.models.plb.family import PLB

__all__ = ["BATCH", "Stepper", "measure_steps", "published_network"]

BATCH = 32
"""Utterances in a training step."""

CLASSES = 8

PROCESSES = 2
"""Processes in which a step is timed: the placement of arrays in memory changes its time by about 5 %."""


class Stepper:
    """One training step as in the trainer of a sweep: Keras ``train_on_batch`` of a compiled model."""

    def __init__(self, model: Any, features: Any) -> None:
        classes = model.output_shape[-1]
        self.model, self.features = model, features
        self.targets = np.eye(classes, dtype=np.float32)[np.arange(len(features)) % classes]

    @classmethod
    def fast(cls, network: Network, batch: int = BATCH) -> "Stepper":
        """Use the trainer's model of a network, on random features."""
        from plb_ablate.training.trainer import FoldTrainer

        trainer = Trainer(loss=network.family.loss)
        return cls(FoldTrainer(network, trainer).model, random_features(batch, network.input_shape))

    @classmethod
    def plain(cls, ablation: str, classes: int = CLASSES, batch: int = BATCH) -> "Stepper":
        """Use the plain Keras model, compiled as the trainer compiles its model."""
        from plb_ablate.bench.plain_port import plain_model
        from plb_ablate.training.setup import compile_for_training

        model = plain_model(classes, ablation)
        compile_for_training(model, Trainer())
        return cls(model, random_features(batch))

    def step(self) -> float:
        """Do one step and return its seconds."""
        begin = time.perf_counter()
        self.model.train_on_batch(self.features, self.targets)
        return time.perf_counter() - begin


def published_network(ablation: str) -> Network:
    """Return a variant of the published network, with its published input."""
    return Network(PLB, CLASSES, (*PUBLISHED.shape, 1), ablation)


def random_features(batch: int, input_shape: Shape | None = None) -> Any:
    """Return random features of a batch, float32 (batch, *input_shape); their values do not change the time."""
    shape = input_shape or published_network(WHOLE).input_shape
    return np.random.default_rng(0).standard_normal((batch, *shape)).astype(np.float32)


def measure_steps(
    ablations: Sequence[str], threads: int, turns: int, *, on_start: Callable[[str], None]
) -> list[Measurement]:
    """Time a step of 32 utterances for every ablation, fast and plain in turns; the smallest time counts.

    Returns
    -------
    list of Measurement
        ``training step`` in ms and its ratio to the plain model's; for the first ablation also the peak of matrix
        products, and the share of it that the fast step reaches, counting the multiplications of the plain model.
    """
    measurements = []
    for number, ablation in enumerate(ablations):
        on_start(f"training step of {ablation}")
        observed = [run_alone(_step_times, ablation, turns, threads=threads) for _ in range(PROCESSES)]
        best = {name: _best(name, [one[name] for one in observed]) for name in observed[0]}
        setting = f"{ablation}, {threads} threads"
        ratio = best["fast"] / best["plain"]
        measurements.append(Measurement("training step of 32", setting, 1e3 * best["fast"], "ms", ratio, "plain port"))
        if number == 0:
            measurements.append(Measurement("matrix product", f"{threads} threads", best["peak"] / 1e9, "GFLOP/s"))
            rate = best["work"] / best["fast"]
            share = rate / best["peak"]
            measurements.append(
                Measurement("training step's rate", setting, rate / 1e9, "GFLOP/s", share, "matrix product")
            )
    return measurements


def _best(name: str, values: Sequence[float]) -> float:
    return min(values) if name in ("fast", "plain") else max(values)


def _step_times(ablation: str, turns: int) -> dict[str, float]:
    steppers = {"fast": Stepper.fast(published_network(ablation)), "plain": Stepper.plain(ablation)}
    work = 3 * _multiplications(steppers["plain"].model)
    for stepper in steppers.values():
        stepper.step()
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(turns):
        for name, stepper in steppers.items():
            times[name].append(stepper.step())
    return {name: min(values) for name, values in times.items()} | {"work": work, "peak": _matrix_peak()}


def _multiplications(model: Any) -> float:
    """Count floating-point operations of a forward pass of one batch; a training step needs about three times that."""
    import tensorflow as tf

    spec = tf.TensorSpec((BATCH, *model.input_shape[1:]), tf.float32)
    graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    profile = tf.compat.v1.profiler.profile(graph, options=options | {"output": "none"})
    return float(profile.total_float_ops)


def _matrix_peak(size: int = 2048, turns: int = 6) -> float:
    """Measure the floating-point operations per second of a large matrix product."""
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
