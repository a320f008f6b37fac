"""Inference with an exported LiteRT model; needs only LiteRT, NumPy and the model card in the file."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plb_ablate.core.errors import ConfigError, ModelError
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.inference.model_card import ModelCard, read_card

__all__ = ["LiteRTModel", "runtime"]


class LiteRTModel:
    """Classifier from an exported ``.tflite`` file.

    Parameters
    ----------
    path : Path
        File written by ``python -m plb_ablate.export``.
    threads : int
        Number of threads of the interpreter.

    Raises
    ------
    ModelError
        If the file is not an exported model, or no runtime is installed.
    ConfigError
        If `threads` is less than 1.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        if threads < 1:
            raise ConfigError(f"threads={threads} must be 1 or more.")
        self.card: ModelCard = read_card(path)
        interpreter = runtime()
        try:
            with redirect_output(Path(os.devnull)):  # hides the runtime's message about its delegate
                self._interpreter = interpreter(model_path=str(path), num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"model={path} cannot be run by LiteRT: {str(error).strip()}") from None
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return class probabilities.

        Parameters
        ----------
        features : float32 (n, frames, coefficients)
            Computed with the feature settings of the model card.

        Returns
        -------
        float32 (n, classes)
        """
        rows = [self._predict_one(one) for one in features]
        return np.stack(rows) if rows else np.empty((0, len(self.card.classes)), np.float32)

    def _predict_one(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        self._interpreter.set_tensor(self._input, features[None, ..., None])
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output)[0])


def runtime() -> Any:
    """Return the interpreter class of LiteRT: from ``ai-edge-litert``, or else from TensorFlow.

    Raises
    ------
    ModelError
        If neither is installed.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return _tensorflow_copy()
    return Interpreter


def _tensorflow_copy() -> Any:
    import functools
    import warnings

    try:
        with redirect_output(Path(os.devnull)):
            from tensorflow.lite.python.interpreter import Interpreter
    except ImportError:
        raise ModelError("no LiteRT runtime is installed. Install one with: pip install 'plb-ablate[edge]'") from None

    @functools.wraps(Interpreter)
    def quiet(**arguments: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter is deprecated")
            return Interpreter(**arguments)

    return quiet
