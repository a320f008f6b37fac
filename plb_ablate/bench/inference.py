"""Real-time inference, one recording at a time, as in section 04 of the published page."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from plb_ablate.bench.isolated_process import run_alone

__all__ = ["Latency", "latencies", "measure_inference", "predictor"]

WARM_UP = 10
"""Utterances predicted before time is measured: tracing, buffers of the runtime, compiled code of librosa."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds for one utterance: the mean as published, the median, the 95th percentile."""

    mean: float
    p50: float
    p95: float


def measure_inference(
    models: Path, recordings: Sequence[Path], threads: Sequence[int], *, on_start: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Time every runtime with every number of threads, each in a separate process.

    Parameters
    ----------
    models : Path
        Folder with ``model_saved`` and ``model_float32.tflite``.
    recordings : sequence of Path
        Test utterances.
    threads : sequence of int
    on_start : callable
        Called with the name of each measurement before it starts.

    Returns
    -------
    list of dict
        ``runtime``, ``device``, ``threads``, ``utterances``, and a `Latency` each for ``mfcc`` (whatever the
        features are) and ``network``.
    """
    rows = []
    for device in run_alone(_devices, threads=1):
        for count in threads if device == "CPU" else threads[-1:]:
            for runtime in ("TensorFlow", "LiteRT") if device == "CPU" else ("TensorFlow",):
                on_start(f"{runtime} on {device}, threads={count}")
                times = run_alone(
                    latencies,
                    runtime,
                    device,
                    count,
                    models,
                    list(recordings),
                    threads=count,
                    tensorflow=runtime == "TensorFlow",
                )
                rows.append({"runtime": runtime, "device": device, "threads": count, **times})
    return rows


def latencies(runtime: str, device: str, threads: int, models: Path, recordings: Sequence[Path]) -> dict[str, Any]:
    """Time features and network of every recording, after a warm-up; call it in a separate process."""
    from plb_ablate.features.coefficients import features_of
    from plb_ablate.inference.model_card import read_card

    if (runtime, device) == ("TensorFlow", "CPU"):
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")
    predict, settings = predictor(runtime, threads, models), read_card(models / "model_saved").features
    seconds = []
    for path in [*islice(cycle(recordings), WARM_UP), *recordings]:
        begin = time.perf_counter()
        features = features_of(path, settings)[None]
        middle = time.perf_counter()
        predict(features)
        seconds.append((middle - begin, time.perf_counter() - middle))
    kept = 1e3 * np.array(seconds[WARM_UP:])
    named = {name: _latency(kept[:, column]) for column, name in enumerate(("mfcc", "network"))}
    return {"utterances": len(kept), **named}


def predictor(runtime: str, threads: int, models: Path) -> Callable[[Any], Any]:
    """Return a function from features (n, frames, coefficients) to probabilities that uses the given runtime."""
    if runtime == "LiteRT":
        from plb_ablate.inference.litert import LiteRTModel

        return LiteRTModel(models / "model_float32.tflite", threads).predict
    from plb_ablate.export.verify import saved_model_predictor

    return saved_model_predictor(models / "model_saved")


def _latency(milliseconds: Any) -> dict[str, float]:
    p50, p95 = np.percentile(milliseconds, (50, 95))
    return vars(Latency(float(milliseconds.mean()), float(p50), float(p95)))


def _devices() -> list[str]:
    import tensorflow as tf

    return ["CPU", *(["GPU"] if tf.config.list_physical_devices("GPU") else [])]
