"""The export formats: Keras, SavedModel, and LiteRT in three precisions."""

import math
import os
import re
import warnings
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python.convert_phase import ConverterError

from plb_ablate.core.errors import ModelError
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.export.load_run import TrainedModel
from plb_ablate.inference.litert import runtime
from plb_ablate.inference.model_card import write_card

__all__ = ["CALIBRATION", "FORMATS", "convert_all"]

CALIBRATION = 100
"""Training utterances, evenly spread over the training split, that calibrate the ranges of int8."""

PRODUCTS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL"}
"""Operations computed in integers by int8. Squash and routing divide by norms that integers would round to zero."""

MIN_INT8_WEIGHTS = 4096
"""Number of weights from which a product is computed in integers.

Integers cost more accuracy than they save time in products of two activations (attention) and in products of the raw
features, whose coefficients differ in range by a factor of 100.
"""

LOOPS = {"WHILE", "IF"}
"""Operations that run a graph of their own, in which LiteRT's calibrator ends with a segmentation fault (TF 2.21)."""

ONE = "one"
"""Signature of the SavedModel for a single utterance; ``serve`` accepts any number."""


class FormatError(Exception):
    """A format cannot hold a model."""


def convert_all(
    trained: TrainedModel,
    folder: Path,
    *,
    only: Collection[str] | None = None,
    on_start: Callable[[str], None] = lambda name: None,
    on_refused: Callable[[str, str], None] | None = None,
) -> dict[str, Path]:
    """Write a model in every format that its layers allow, each with its model card.

    Parameters
    ----------
    trained : TrainedModel
    folder : Path
        Created if missing; files of an earlier export are replaced.
    only : collection of str, optional
        Formats to write, including those that they are made from: LiteRT needs ``SavedModel``, int8 needs float32.
    on_start : callable
        Called with the name of each format before it is written.
    on_refused : callable, optional
        Called with the name of a format that cannot hold this model, and the reason.

    Returns
    -------
    dict of str to Path
        File or folder by name of format that was written, in the order of `FORMATS`.

    Raises
    ------
    ModelError
        If a format cannot hold this model and there is no `on_refused`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    wanted = {name: how for name, how in FORMATS.items() if only is None or name in only}
    for name, (ending, write) in wanted.items():
        on_start(name)
        path = folder / f"model{ending}"
        try:
            with redirect_output(Path(os.devnull)), warnings.catch_warnings():  # the converter prints much
                warnings.simplefilter("ignore")
                write(trained, path)
        except (ConverterError, FormatError) as error:
            path.unlink(missing_ok=True)
            if on_refused is None:
                raise ModelError(f"{name} cannot hold the model of {trained.name}: {_reason(error)}.") from error
            on_refused(name, _reason(error))
            continue
        precision = name.partition(" ")[2] or "float32"
        write_card(path, trained.card(precision))
        written[name] = path
    return written


def _reason(error: Exception) -> str:
    """Return the operations that LiteRT lacks, or else the first line of a message that may have hundreds."""
    lacking = re.findall("(?:Custom|Flex) ops: (.+)", str(error))
    return f"LiteRT has no operation {', '.join(lacking)}" if lacking else str(error).strip().partition("\n")[0]


def _keras(trained: TrainedModel, path: Path) -> None:
    trained.model.save(path)


def _saved_model(trained: TrainedModel, path: Path) -> None:
    archive = keras.export.ExportArchive()
    archive.track(trained.model)
    for name, batch in (("serve", None), (ONE, 1)):
        spec = tf.TensorSpec((batch, *trained.network.input_shape), tf.float32, name="mfcc")
        archive.add_endpoint(name, lambda x: trained.model(x, training=False), [spec])
    archive.write_out(path, verbose=False)


def _float32(trained: TrainedModel, path: Path) -> None:
    path.write_bytes(_converter(path).convert())


def _float16(trained: TrainedModel, path: Path) -> None:
    converter = _converter(path)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    path.write_bytes(converter.convert())


def _int8(trained: TrainedModel, path: Path) -> None:
    converter = _converter(path)
    features, _ = trained.split("train")
    chosen = features[np.linspace(0, len(features) - 1, min(CALIBRATION, len(features))).astype(int)]

    def calibration() -> Iterator[list[NDArray[np.float32]]]:
        return ([one[None, ..., None]] for one in chosen)

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    kinds, nodes = _not_quantized(_float32_of(path))
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=kinds, denylisted_nodes=nodes)
    quantizer = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=calibration, debug_options=options
    )
    path.write_bytes(quantizer.get_nondebug_quantized_model())


def _converter(path: Path) -> Any:
    return tf.lite.TFLiteConverter.from_saved_model(str(path.with_name("model_saved")), signature_keys=[ONE])


def _float32_of(path: Path) -> Path:
    """Return the float32 model that int8 is made from."""
    float32 = path.with_name("model_float32.tflite")
    if not float32.exists():
        raise FormatError("it is made from LiteRT float32, which was not written")
    return float32


def _not_quantized(path: Path) -> tuple[list[str], list[str]]:
    """Return the kinds of operations, and the names of single operations, that int8 leaves in float32.

    They are read from the float32 model; only the interpreter's private listing contains its operations.
    """
    interpreter = runtime()(model_path=str(path))
    operations = interpreter._get_ops_details()
    kinds = {operation["op_name"] for operation in operations}
    if loops := kinds & LOOPS:
        raise FormatError(
            f"the calibration of LiteRT crashes in loops ({', '.join(sorted(loops))}), which recurrent layers are: "
            "use float16, or build them with unroll=True"
        )
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    computed = {index for operation in operations for index in operation["outputs"]}
    computed |= {tensor["index"] for tensor in interpreter.get_input_details()}

    def weights(operation: Any) -> int:
        constants = [index for index in operation["inputs"] if index in tensors and index not in computed]
        return max((math.prod(tensors[index]["shape"]) for index in constants), default=0)

    small = [operation for operation in operations if weights(operation) < MIN_INT8_WEIGHTS]
    names = [tensors[index]["name"] for operation in small for index in operation["outputs"]]
    return sorted(kinds - PRODUCTS), names


FORMATS: dict[str, tuple[str, Callable[[TrainedModel, Path], None]]] = {
    "Keras": (".keras", _keras),
    "SavedModel": ("_saved", _saved_model),
    "LiteRT float32": ("_float32.tflite", _float32),
    "LiteRT float16": ("_float16.tflite", _float16),
    "LiteRT int8": ("_int8.tflite", _int8),
}
"""Name of each format, its file name ending, and the function that writes it; some are made from earlier ones."""
