"""Attention of vectors to themselves in training: half the score matrix, one sample at a time.

Queries, keys and values are the same vectors, so the matrix ``E`` of exponentials is symmetric. Its lower blocks are
computed, exponentiated and kept; the upper ones are their transposes. The gradient needs no other matrix of that size
than ``E`` times another symmetric one. The blocks of a sample fit the processor's cache, those of a batch do not.
"""

from itertools import pairwise
from typing import Any

import tensorflow as tf

__all__ = ["MAX_EXPONENT", "attend_to_itself"]

MAX_EXPONENT = 40.0
"""Largest ``|scale| |x|^2`` for which the exponentials below neither overflow nor vanish."""

_PARTS = 3
_PLACES = [(i, j) for i in range(_PARTS) for j in range(i + 1)]


@tf.custom_gradient
def attend_to_itself(x: Any, scale: Any) -> Any:
    """``softmax(scale x x^T) x``.

    Parameters
    ----------
    x : float32 (batch, n, channel)
        With ``|scale| |x|^2`` up to `MAX_EXPONENT`.
    scale : float32 ()

    Returns
    -------
    float32 (batch, n, channel)

    Notes
    -----
    With ``E = exp(scale x x^T - c)``, one ``c`` a sample: ``output = E x / r``, where ``r`` are the row sums of ``E``.
    With ``g`` the gradient of the output divided by ``r``, and ``d`` the row sums of ``g * output``:
    ``M = E * (g x^T + x g^T - d 1^T - 1 d^T)``, and the gradients are ``scale M x + E g`` and ``sum(x * M x) / 2``.
    """
    channels = x.shape[-1]

    def attend(x: Any) -> tuple[Any, ...]:
        blocks = _exponentials(x, scale)
        return _product(blocks, _with_column(x, 1.0)), *blocks.values()

    products, *stored = _each(attend, x, (x.dtype,) * (1 + len(_PLACES)))
    sums = products[..., channels:]
    output = products[..., :channels] / sums

    def gradient(upstream: Any) -> tuple[Any, Any]:
        def backward(sample: tuple[Any, ...]) -> tuple[Any, Any]:
            x, upstream, means, *stored = sample
            blocks = dict(zip(_PLACES, stored, strict=True))
            ones = tf.ones_like(means)
            left = _split(tf.concat([upstream, x, -means, ones], axis=-1))
            right = _split(tf.concat([x, upstream, ones, -means], axis=-1))
            slopes = {
                (i, j): block * tf.matmul(left[i], right[j], transpose_b=True) for (i, j), block in blocks.items()
            }
            to_scores = _product(slopes, x)
            return scale * to_scores + _product(blocks, upstream), tf.reduce_sum(x * to_scores)

        scaled = upstream / sums
        means = tf.reduce_sum(scaled * output, axis=-1, keepdims=True)
        to_x, to_scale = _each(backward, (x, scaled, means, *stored), (x.dtype,) * 2)
        return to_x, 0.5 * tf.reduce_sum(to_scale)

    return output, gradient


def _exponentials(x: Any, scale: Any) -> dict[tuple[int, int], Any]:
    """Blocks on and below the diagonal of ``exp(scale x x^T - c)``; ``c`` is the largest score there can be."""
    largest = tf.abs(scale) * tf.reduce_max(tf.reduce_sum(tf.square(x), axis=-1))
    left, right = _split(_with_column(x * scale, -largest)), _split(_with_column(x, 1.0))
    return {(i, j): tf.exp(tf.matmul(left[i], right[j], transpose_b=True)) for i, j in _PLACES}


def _product(blocks: dict[tuple[int, int], Any], x: Any) -> Any:
    """Product of a symmetric matrix, given by its blocks on and below the diagonal, with `x`."""
    parts = _split(x)
    rows = []
    for i in range(_PARTS):
        below = [tf.matmul(blocks[i, j], parts[j]) for j in range(i + 1)]
        above = [tf.matmul(blocks[j, i], parts[j], transpose_a=True) for j in range(i + 1, _PARTS)]
        rows.append(tf.add_n(below + above))
    return tf.concat(rows, axis=0)


def _split(x: Any) -> list[Any]:
    edges = [x.shape[0] * i // _PARTS for i in range(_PARTS + 1)]
    return [x[start:stop] for start, stop in pairwise(edges)]


def _with_column(x: Any, value: Any) -> Any:
    return tf.concat([x, value * tf.ones_like(x[:, :1])], axis=-1)


def _each(function: Any, samples: Any, dtype: Any) -> Any:
    return tf.map_fn(function, samples, fn_output_signature=dtype, parallel_iterations=1)
