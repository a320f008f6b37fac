"""Training steps: the fast layers beside the plain port, by turns, and both beside the machine's matrix peak."""

import importlib.util
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plb_ablate.bench import Figure
from plb_ablate.bench.fresh import run_alone
from plb_ablate.config import config_root

__all__ = ["BATCH", "NO_PLAIN_PORT", "Stepper", "measure_steps", "plain_port", "plain_port_file"]

BATCH = 32
"""Utterances in a step."""

CLASSES = 8

PROCESSES = 2
"""Processes that a step is timed in: where its arrays come to lie in memory makes some 5 % of its time."""

NO_PLAIN_PORT = "the plain port is part of the tests: ratios to it need a checkout"
"""Said where the package runs from a wheel."""


class Stepper:
    """One training step of a model, traced once: forward, published loss, gradients, Adam."""

    def __init__(self, model: Any, features: Any) -> None:
        import keras
        import tensorflow as tf

        from plb_ablate.losses import PublishedLoss

        loss, optimizer = PublishedLoss(), keras.optimizers.Adam()
        optimizer.build(model.trainable_variables)
        classes = model.output_shape[-1]
        x, y = tf.constant(features), tf.one_hot(np.arange(len(features)) % classes, classes)

        @tf.function
        def step() -> Any:
            with tf.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            optimizer.apply(tape.gradient(value, [variable.value for variable in model.trainable_variables]))
            return value

        self._step, self.model = step, model

    @classmethod
    def fast(cls, ablation: str, classes: int = CLASSES, batch: int = BATCH) -> "Stepper":
        """With the package's own layers, on features drawn at random."""
        from plb_ablate.model import build_model

        return cls(build_model(classes, ablation), random_features(batch))

    def step(self) -> float:
        """Do one step; give its seconds."""
        begin = time.perf_counter()
        self._step().numpy()
        return time.perf_counter() - begin


def random_features(batch: int) -> Any:
    """Features of a batch, float32 (batch, 196, 39, 1); their values do not change the time."""
    return np.random.default_rng(0).standard_normal((batch, 196, 39, 1)).astype(np.float32)


def plain_port_file() -> Path:
    """Where a checkout has the network written the plain way; a wheel has it not."""
    return config_root() / "tests" / "plain_port.py"


def plain_port() -> Any:
    """The module ``tests/plain_port.py`` of a checkout; None in a wheel."""
    path = plain_port_file()
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location("plb_ablate_plain_port", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        ratio = found["fast"] / found["plain"] if "plain" in found else None
        figures.append(Figure("training step of 32", setting, 1e3 * found["fast"], "ms", ratio, "plain port"))
        if number == 0:
            figures.append(Figure("matrix product", f"{threads} threads", found["peak"] / 1e9, "GFLOP/s"))
            if "work" in found:
                rate = found["work"] / found["fast"]
                share = rate / found["peak"]
                figures.append(Figure("training step's rate", setting, rate / 1e9, "GFLOP/s", share, "matrix product"))
    return figures


def _best(name: str, values: Sequence[float]) -> float:
    return min(values) if name in ("fast", "plain") else max(values)


def _step_times(ablation: str, turns: int) -> dict[str, float]:
    steppers = {"fast": Stepper.fast(ablation)}
    port = plain_port()
    found: dict[str, float] = {}
    if port:
        steppers["plain"] = Stepper(port.plain_model(CLASSES, ablation), random_features(BATCH))
        found["work"] = 3 * _multiplications(steppers["plain"].model)
    for stepper in steppers.values():
        stepper.step()
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(turns):
        for name, stepper in steppers.items():
            times[name].append(stepper.step())
    return found | {name: min(values) for name, values in times.items()} | {"peak": _matrix_peak()}


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
