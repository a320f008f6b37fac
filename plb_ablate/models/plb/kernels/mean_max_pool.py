"""Mean and maximum of an image over some axes, with a joint gradient."""

from typing import Any

import tensorflow as tf

__all__ = ["mean_and_max"]


def mean_and_max(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """Return mean and maximum over `axes`, which are kept with length 1.

    Parameters
    ----------
    x : float32, any shape
    axes : tuple of int

    Returns
    -------
    mean, maximum : float32
        The gradient of the maximum is divided equally among the elements that attain it.
    """

    @tf.custom_gradient
    def pool(x: Any) -> Any:
        mean, maximum = tf.reduce_mean(x, axes, keepdims=True), tf.reduce_max(x, axes, keepdims=True)

        def gradient(to_mean: Any, to_maximum: Any) -> Any:
            with tf.control_dependencies([to_mean, to_maximum]):  # or it is computed early, and held until now
                reached = tf.cast(tf.equal(x, maximum), x.dtype)
            count = tf.cast(tf.size(x) // tf.size(mean), x.dtype)
            return reached * (to_maximum / tf.reduce_sum(reached, axes, keepdims=True)) + to_mean / count

        return (mean, maximum), gradient

    mean, maximum = pool(x)
    return mean, maximum
