"""Self-attention in training, computing half of the symmetric score matrix for a few samples at a time.

Queries, keys and values are the same vectors, so the matrix ``E`` of exponentials is symmetric. The vectors are divided
into an odd number of stripes. Pairing each stripe ``i`` with the stripes ``i``, ``i + 1``, ... (cyclically, up to half
of the stripes) covers every pair of stripes once. Only these blocks are computed, exponentiated and stored; all others
are their transposes. The only other matrix of this size in the gradient is ``E`` times a symmetric matrix. The blocks
of a few samples fit the CPU cache, those of a batch do not.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["MAX_EXPONENT", "attend_to_itself"]

MAX_EXPONENT = 40.0
"""Largest ``|scale| |x|^2`` for which the exponentials neither overflow nor underflow."""

_SAMPLES = 8
"""Most samples processed at a time."""


def attend_to_itself(x: Any, scale: Any, product: Callable[..., Any] = tf.matmul) -> Any:
    """``softmax(scale x x^T) x``.

    Parameters
    ----------
    x : float32 (batch, n, channel)
        With ``|scale| |x|^2`` up to `MAX_EXPONENT`.
    scale : float32 ()
    product : callable
        ``tf.matmul``, possibly in another precision.

    Returns
    -------
    float32 (batch, n, channel)

    Notes
    -----
    With ``E = exp(scale x x^T - c)``, one ``c`` a sample: ``output = E x / r``, where ``r`` are the row sums of ``E``.
    With ``g`` the gradient of the output divided by ``r``, and ``d`` the row sums of ``g * output``:
    ``M = E * (g x^T + x g^T - d 1^T - 1 d^T)``, and the gradients are ``scale M x + E g`` and ``sum(x * M x) / 2``.
    """

    @tf.custom_gradient
    def attention(x: Any, scale: Any) -> Any:
        n, channels = x.shape[1:]
        shape, count = tf.shape(x), _stripes(n)
        batch = shape[0]
        samples = tf.minimum(_SAMPLES, tf.bitwise.bitwise_and(batch, -batch))  # a power of two that divides the batch
        parted = (batch // samples, samples, count, n // count, channels)
        x = tf.reshape(x, parted)

        def attend(x: Any) -> tuple[Any, ...]:
            lengths = tf.reduce_sum(tf.square(x), axis=-1, keepdims=True)
            largest = tf.abs(scale) * tf.reduce_max(lengths, axis=(1, 2), keepdims=True)
            left, right = _with_column(x * scale, -largest), _with_column(x, 1.0)
            blocks = [tf.exp(_round(product, left, right, step)) for step in range(count // 2 + 1)]
            return _product(product, blocks, right), *blocks

        products, *stored = _each(attend, x, (x.dtype,) * (count // 2 + 2))
        sums = products[..., channels:]
        output = products[..., :channels] / sums

        def gradient(upstream: Any) -> tuple[Any, Any]:
            def backward(some: tuple[Any, ...]) -> tuple[Any, Any]:
                x, upstream, means, *blocks = some
                ones = tf.ones_like(means)
                left = tf.concat([upstream, x, -means, ones], axis=-1)
                right = tf.concat([x, upstream, ones, -means], axis=-1)
                slopes = [block * _round(product, left, right, step) for step, block in enumerate(blocks)]
                to_scores = _product(product, slopes, x)
                return scale * to_scores + _product(product, blocks, upstream), tf.reduce_sum(x * to_scores)

            scaled = tf.reshape(upstream, parted) / sums
            means = tf.reduce_sum(scaled * output, axis=-1, keepdims=True)
            to_x, to_scale = _each(backward, (x, scaled, means, *stored), (x.dtype,) * 2)
            return tf.reshape(to_x, shape), 0.5 * tf.reduce_sum(to_scale)

        return tf.reshape(output, shape), gradient

    return attention(x, scale)


def _stripes(n: int) -> int:
    """Number of stripes into which `n` vectors are divided; 1 if no stripe count divides `n`."""
    return next((count for count in (3, 5, 7) if n % count == 0), 1)


def _round(product: Callable[..., Any], left: Any, right: Any, step: int) -> Any:
    """Product of each stripe of `left` with the stripe of `right` that is `step` stripes further, cyclically."""
    return product(left, tf.roll(right, -step, axis=1), transpose_b=True)


def _product(product: Callable[..., Any], blocks: list[Any], x: Any) -> Any:
    """Product of a symmetric matrix, given by its blocks of each step, with `x`."""
    parts = [product(blocks[0], x)]
    for step, block in enumerate(blocks[1:], 1):
        parts.append(product(block, tf.roll(x, -step, axis=1)))
        parts.append(tf.roll(product(block, x, transpose_a=True), step, axis=1))
    return tf.add_n(parts)


def _with_column(x: Any, value: Any) -> Any:
    return tf.concat([x, value * tf.ones_like(x[..., :1])], axis=-1)


def _each(function: Any, some: Any, dtype: Any) -> Any:
    return tf.map_fn(function, some, fn_output_signature=dtype, parallel_iterations=2)
