"""A one-channel convolution, its normalisation over time, ELU and pooling, as one thin matrix product.

The convolution of a one-channel image has 9 inputs and 64 outputs a position, so whatever is done on its inputs costs a
seventh of the same on its outputs. Batch normalisation over the time axis scales and shifts all channels of a time step
alike, so both move to the inputs; its statistics follow from the mean and the covariance of the inputs of a time step.
"""

from typing import Any

import tensorflow as tf

__all__ = ["elu_pool", "input_patches", "output_statistics", "scaled_patches"]


def input_patches(x: Any, size: int, dilation: int) -> Any:
    """Gather the inputs of every output position of a valid convolution.

    Parameters
    ----------
    x : float32 (batch, time, coefficient, 1)
    size, dilation : int
        Of the kernel.

    Returns
    -------
    float32 (batch, time', coefficient', size ** 2)
    """
    reach = dilation * (size - 1)
    height, width = x.shape[1] - reach, x.shape[2] - reach
    corners = [(dilation * i, dilation * j) for i in range(size) for j in range(size)]
    return tf.concat([x[:, i : i + height, j : j + width] for i, j in corners], axis=-1)


def output_statistics(patches: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
    """Mean and variance of the convolution's output at each time step, over batch, coefficients and channels.

    Parameters
    ----------
    patches : float32 (batch, time, coefficient, k)
    kernel : float32 (k, channels)
    bias : float32 (channels,)

    Returns
    -------
    mean, variance : float32 (time,)
        The variance is that of the inputs seen through the kernel, plus that of the channels' own means; the inputs
        are centred first, so nothing cancels.
    """
    centre = tf.reduce_mean(patches, axis=(0, 2))
    centred = tf.transpose(patches - centre[:, None, :], (1, 0, 2, 3))
    centred = tf.reshape(centred, (patches.shape[1], -1, patches.shape[3]))
    covariance = tf.matmul(centred, centred, transpose_a=True) / tf.cast(tf.shape(centred)[1], patches.dtype)
    channel_means = tf.matmul(centre, kernel) + bias
    mean = tf.reduce_mean(channel_means, axis=1)
    within = tf.reduce_sum(covariance * tf.matmul(kernel, kernel, transpose_b=True), axis=(1, 2)) / kernel.shape[1]
    return mean, within + tf.reduce_mean(tf.square(channel_means - mean[:, None]), axis=1)


def scaled_patches(patches: Any, scale: Any, shift: Any) -> Any:
    """Move a scale and a shift of each time step to the inputs, with a column for the bias and one for the shift.

    Parameters
    ----------
    patches : float32 (batch, time, coefficient, k)
    scale, shift : float32 (time,)

    Returns
    -------
    float32 (4, batch, time // 2, coefficient // 2, k + 2)
        The four positions of each 2x2 pooling window come first.
    """
    step = scale[:, None, None]
    ones = tf.ones_like(patches[..., :1])
    rows = tf.concat([patches * step, ones * step, ones * shift[:, None, None]], axis=-1)
    height, width, columns = rows.shape[1] // 2, rows.shape[2] // 2, rows.shape[3]
    windows = tf.reshape(rows[:, : 2 * height, : 2 * width], (-1, height, 2, width, 2, columns))
    windows = tf.transpose(windows, (2, 4, 0, 1, 3, 5))
    return tf.reshape(windows, (4, -1, height, width, columns))


@tf.custom_gradient
def elu_pool(windows: Any, kernel: Any) -> Any:
    """``mean_i elu(windows[i] kernel)``, with a gradient that keeps nothing but the four activations.

    Parameters
    ----------
    windows : float32 (4, rows, k)
    kernel : float32 (k, channels)

    Returns
    -------
    float32 (rows, channels)
    """
    activations = [tf.nn.elu(tf.matmul(windows[i], kernel)) for i in range(4)]

    def gradient(upstream: Any) -> tuple[Any, Any]:
        upstream *= 0.25
        products = [tf.raw_ops.EluGrad(gradients=upstream, outputs=activation) for activation in activations]
        to_windows = tf.stack([tf.matmul(product, kernel, transpose_b=True) for product in products])
        to_kernel = tf.add_n([tf.matmul(windows[i], product, transpose_a=True) for i, product in enumerate(products)])
        return to_windows, to_kernel

    return tf.add_n(activations) * 0.25, gradient
