"""Mean and maximum over some axes of an image, with one gradient for both."""

from typing import Any

import tensorflow as tf

__all__ = ["mean_and_max"]


def mean_and_max(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """Mean and maximum over `axes`, which are kept with length 1.

    Parameters
    ----------
    x : float32, any shape
    axes : tuple of int

    Returns
    -------
    mean, maximum : float32
        The gradient of the maximum is shared equally by the places that reach it.
    """

    @tf.custom_gradient
    def pool(x: Any) -> Any:
        mean, maximum = tf.reduce_mean(x, axes, keepdims=True), tf.reduce_max(x, axes, keepdims=True)

        def gradient(to_mean: Any, to_maximum: Any) -> Any:
            reached = tf.cast(tf.equal(x, maximum), x.dtype)
            count = tf.cast(tf.size(x) // tf.size(mean), x.dtype)
            return reached * (to_maximum / tf.reduce_sum(reached, axes, keepdims=True)) + to_mean / count

        return (mean, maximum), gradient

    mean, maximum = pool(x)
    return mean, maximum
