"""Batch normalisation over time in training: two-step sums, and a gradient with few passes over the image."""

from typing import Any

import tensorflow as tf

__all__ = ["normalise_over_time"]


def normalise_over_time(x: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """Normalise each time step by its own statistics over batch, coefficients and channels.

    Parameters
    ----------
    x : float32 (batch, time, coefficient, channel)
    gamma, beta : float32 (time,)
    epsilon : float
        Added to the variance.

    Returns
    -------
    normalised : float32, same shape as `x`
    mean, variance : float32 (time,)
        Statistics of each time step; no gradient flows through them.

    References
    ----------
    Ioffe and Szegedy, Batch Normalization, ICML 2015, algorithm 1 and the gradient in section 3.
    """

    @tf.custom_gradient
    def normalise(x: Any, gamma: Any, beta: Any) -> Any:
        mean = _mean(x)
        variance = _mean(tf.math.squared_difference(x, _along_time(mean)))
        deviation = tf.math.rsqrt(variance + epsilon)
        scale = gamma * deviation

        def gradient(upstream: Any, *_: Any) -> tuple[Any, Any, Any]:
            count = tf.cast(tf.size(x) // tf.size(mean), x.dtype)
            with tf.control_dependencies([upstream]):  # or it is computed early, and held until now
                centred = x - _along_time(mean)
            level, slope = _mean(upstream), deviation * _mean(upstream * centred)
            to_x = _along_time(scale) * (upstream - centred * _along_time(deviation * slope) - _along_time(level))
            return to_x, count * slope, count * level

        return (x * _along_time(scale) + _along_time(beta - scale * mean), mean, variance), gradient

    normalised, mean, variance = normalise(x, gamma, beta)
    return normalised, mean, variance


def _mean(x: Any) -> Any:
    """Mean of each time step: first over the axes that are contiguous in memory, then over the batch."""
    return tf.reduce_mean(tf.reduce_mean(x, axis=(2, 3)), axis=0)


def _along_time(values: Any) -> Any:
    return values[:, None, None]
