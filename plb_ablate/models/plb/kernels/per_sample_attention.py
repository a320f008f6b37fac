"""Attention computed one sample at a time: the n x m map of one sample fits the CPU cache, those of a batch do not."""

from typing import Any

import tensorflow as tf

__all__ = ["attend_by_sample"]


@tf.custom_gradient
def attend_by_sample(query: Any, value: Any, scale: Any) -> Any:
    """``softmax(scale query value^T) value``, with a gradient that recomputes the attention instead of storing it.

    Parameters
    ----------
    query : float32 (batch, n, channel)
    value : float32 (batch, m, channel)
    scale : float32 ()

    Returns
    -------
    float32 (batch, n, channel)
    """

    def attend(sample: tuple[Any, Any]) -> Any:
        return tf.matmul(_attention(*sample, scale), sample[1])

    output = _each(attend, (query, value), query.dtype)

    def gradient(upstream: Any) -> tuple[Any, Any, Any]:
        def backward(sample: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any]:
            query, value, output, upstream = sample
            attention = _attention(query, value, scale)
            mean = tf.reduce_sum(upstream * output, axis=-1, keepdims=True)
            to_scores = attention * (tf.matmul(upstream, value, transpose_b=True) - mean)
            to_scaled = tf.matmul(to_scores, value)
            to_value = tf.matmul(attention, upstream, transpose_a=True)
            to_value += tf.matmul(to_scores, query * scale, transpose_a=True)
            return to_scaled * scale, to_value, tf.reduce_sum(to_scaled * query)

        to_query, to_value, to_scale = _each(backward, (query, value, output, upstream), (query.dtype,) * 3)
        return to_query, to_value, tf.reduce_sum(to_scale)

    return output, gradient


def _attention(query: Any, value: Any, scale: Any) -> Any:
    return tf.nn.softmax(tf.matmul(query * scale, value, transpose_b=True))


def _each(function: Any, samples: tuple[Any, ...], dtype: Any) -> Any:
    return tf.map_fn(function, samples, fn_output_signature=dtype, parallel_iterations=1)
