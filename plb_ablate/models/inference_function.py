"""A model in inference mode, traced once for any number of utterances."""

from typing import Any

import keras
import tensorflow as tf

__all__ = ["inference_function"]


def inference_function(model: keras.Model) -> Any:
    """Compile a model's inference.

    Returns
    -------
    tf.function
        float32 (n, frames, coefficients, 1) -> class probabilities, a tensor of float32 (n, classes).
    """
    spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    return tf.function(lambda x: model(x, training=False), input_signature=[spec])
