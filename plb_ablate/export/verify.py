"""Checks every exported format against the trained model on the test fold."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from plb_ablate.export.load_run import TrainedModel
from plb_ablate.inference.litert import LiteRTModel
from plb_ablate.models.inference_function import inference_function
from plb_ablate.training.metrics import wa

__all__ = ["FormatCheck", "check_formats", "keras_predictor", "saved_model_predictor"]

Predictor = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From features (1, frames, coefficients) to probabilities (1, classes)."""

WARM_UP = 5
"""Utterances predicted before time is measured."""


@dataclass(frozen=True)
class FormatCheck:
    """One format compared with the trained Keras model.

    Parameters
    ----------
    format, file : str
    bytes : int
        Size of the file, or of all files of the folder.
    wa : float
        Weighted accuracy on the test fold.
    wa_difference : float
        `wa` minus the WA of the Keras model.
    largest_difference : float
        Largest absolute difference of a class probability on the test fold.
    p50_ms : float
        Median time for one utterance, network only, in milliseconds.
    """

    format: str
    file: str
    bytes: int
    wa: float
    wa_difference: float
    largest_difference: float
    p50_ms: float


def check_formats(
    trained: TrainedModel,
    files: Mapping[str, Path],
    threads: int,
    *,
    on_start: Callable[[str], None] = lambda name: None,
) -> list[FormatCheck]:
    """Reload every exported file and compare it with the trained model on the test fold.

    Parameters
    ----------
    trained : TrainedModel
    files : mapping of str to Path
        From `plb_ablate.export.convert.convert_all`.
    threads : int
        Threads of LiteRT; those of TensorFlow are set when it starts.
    on_start : callable
        Called with the name of each format before it is checked.
    """
    features, labels = trained.split("test")
    expected, _ = _timed(keras_predictor(trained.model), features)
    checks = []
    for name, path in files.items():
        on_start(name)
        predicted, p50 = _timed(_load(path, threads), features)
        accuracy = wa(labels, predicted.argmax(axis=1))
        difference = accuracy - wa(labels, expected.argmax(axis=1))
        largest = float(np.abs(predicted - expected).max())
        checks.append(FormatCheck(name, path.name, _size(path), accuracy, difference, largest, p50))
    return checks


def _load(path: Path, threads: int) -> Predictor:
    if path.suffix == ".tflite":
        return LiteRTModel(path, threads).predict
    if path.suffix == ".keras":
        return keras_predictor(keras.models.load_model(path))
    return saved_model_predictor(path)


def keras_predictor(model: keras.Model) -> Predictor:
    """Return a prediction function that is traced once, for any number of utterances."""
    infer = inference_function(model)
    return lambda features: infer(tf.constant(features[..., None])).numpy()


def saved_model_predictor(path: Path) -> Predictor:
    """Return the prediction function of a SavedModel, which needs no code of its layers."""
    loaded = tf.saved_model.load(str(path))  # owns the variables, so it must be kept
    return lambda features: np.asarray(loaded.serve(tf.constant(features[..., None])))


def _timed(predict: Predictor, features: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Predict utterances one at a time; return their probabilities and the median milliseconds of one."""
    for index in range(WARM_UP):
        predict(features[index % len(features)][None])
    rows, seconds = [], []
    for one in features:
        start = time.perf_counter()
        rows.append(predict(one[None]))
        seconds.append(time.perf_counter() - start)
    return np.concatenate(rows), float(np.median(seconds)) * 1e3


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
