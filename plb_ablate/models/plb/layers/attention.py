"""Dot-product attention with one learned scale."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from plb_ablate.models.plb.kernels.mixed_precision import in_precision
from plb_ablate.models.plb.kernels.per_sample_attention import attend_by_sample
from plb_ablate.models.plb.kernels.symmetric_attention import MAX_EXPONENT, attend_to_itself

__all__ = ["ScaledAttention", "UniformAttention"]


@keras.saving.register_keras_serializable(package="plb_ablate")
class ScaledAttention(keras.layers.Layer):
    """``softmax(s Q K^T) V`` over the last two axes, with one learned scalar ``s`` (initially 1).

    Parameters
    ----------
    precision : str
        Precision of the products in training; see `plb_ablate.models.plb.kernels.mixed_precision`.
    **kwargs
        Arguments of `keras.layers.Layer`.

    Call arguments
    --------------
    query : float32 (..., n, channel)
    value : float32 (..., m, channel), optional
        Used as keys and as values; default is `query`.

    Returns
    -------
    float32, same shape as `query`

    Notes
    -----
    Scores are not divided by the square root of the dimension. The published model uses one instance, and therefore one
    scale, for the cross-attention between the streams and for the self-attention of the capsules.

    References
    ----------
    Luong et al., Effective Approaches to Attention-based Neural Machine Translation, EMNLP 2015, section 3.1 (dot).
    """

    def __init__(self, precision: str = "float32", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.precision = precision

    def build(self, query_shape: tuple[int | None, ...], value_shape: tuple[int | None, ...] | None = None) -> None:
        """Create the scale."""
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    def call(self, query: Any, value: Any = None, training: bool | None = None) -> Any:
        """Attend from `query` to `value`."""
        scale = tf.identity(ops.convert_to_tensor(self.scale))  # custom gradients cannot take a variable
        if training and len(query.shape) == 3:
            return _attend(query, query if value is None else value, scale, in_precision(tf.matmul, self.precision))
        value = query if value is None else value
        scores = scale * tf.matmul(query, value, transpose_b=True)
        return tf.matmul(tf.nn.softmax(scores), value)

    def compute_output_shape(
        self, query_shape: tuple[int | None, ...], value_shape: tuple[int | None, ...] | None = None
    ) -> tuple[int | None, ...]:
        """Return the output shape, which is that of `query`."""
        return query_shape

    def get_config(self) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return super().get_config() | {"precision": self.precision}


@keras.saving.register_keras_serializable(package="plb_ablate")
class UniformAttention(keras.layers.Layer):
    """Attend to all capsules alike: their mean, whatever they are.

    It is `ScaledAttention` with a scale of 0, and has no weights.

    Call arguments
    --------------
    x : float32 (batch, n, channel)

    Returns
    -------
    float32, same shape as `x`
    """

    def call(self, x: Any) -> Any:
        """Return the mean over the capsules for each capsule."""
        return ops.broadcast_to(ops.mean(x, axis=1, keepdims=True), ops.shape(x))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape, which is the input shape."""
        return input_shape


def _attend(query: Any, value: Any, scale: Any, product: Callable[..., Any]) -> Any:
    """Attention in training; self-attention takes two thirds of the time if the scores are not too large."""
    if value is not query:
        return attend_by_sample(query, value, scale)
    largest = ops.abs(scale) * ops.max(ops.sum(ops.square(query), axis=-1))
    return ops.cond(
        largest < MAX_EXPONENT,
        lambda: attend_to_itself(query, scale, product),
        lambda: attend_by_sample(query, query, scale),
    )
