"""Dot-product attention with one learned scale."""

from typing import Any

import keras
from keras import ops

from plb_ablate.layers.sample_attention import attend_by_sample

__all__ = ["ScaledAttention"]


@keras.saving.register_keras_serializable(package="plb_ablate")
class ScaledAttention(keras.layers.Layer):
    """``softmax(s Q K^T) V`` over the last two axes, with one learned scalar ``s`` (initially 1).

    Parameters
    ----------
    **kwargs
        Of `keras.layers.Layer`.

    Call arguments
    --------------
    query : float32 (..., n, channel)
    value : float32 (..., m, channel)
        Serves as keys and as values.

    Returns
    -------
    float32, same shape as `query`

    Notes
    -----
    There is no division by the square root of the dimension. The published model uses one instance, hence one scale,
    for the cross-attention between the streams and for the self-attention between the capsules.

    References
    ----------
    Luong et al., Effective Approaches to Attention-based Neural Machine Translation, EMNLP 2015, section 3.1 (dot).
    """

    def build(self, query_shape: tuple[int | None, ...], value_shape: tuple[int | None, ...]) -> None:
        """Create the scale."""
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    def call(self, query: Any, value: Any, training: bool | None = None) -> Any:
        """Attend from `query` to `value`."""
        if training and len(query.shape) == 3:
            return attend_by_sample(query, value, ops.convert_to_tensor(self.scale))
        scores = ops.matmul(query * self.scale, ops.swapaxes(value, -1, -2))
        return ops.matmul(ops.softmax(scores, axis=-1), value)

    def compute_output_shape(
        self, query_shape: tuple[int | None, ...], value_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Shape of the output: that of `query`."""
        return query_shape
