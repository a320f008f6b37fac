"""Convolution with a single output channel, computed as a depthwise convolution over samples.

A matrix product is inefficient for a single output channel. All samples of a batch use the same kernel, however: with
eight samples (the width of a SIMD register) as the last axis, the convolution becomes a depthwise convolution.
"""

from typing import Any

import tensorflow as tf

__all__ = ["convolve_to_plane"]

_LANES = 8
_STRIDES = (1, 1, 1, 1)


@tf.custom_gradient
def convolve_to_plane(x: Any, kernel: Any) -> Any:
    """Convolve with zero padding, so that the output has the height and width of the image.

    Parameters
    ----------
    x : float32 (batch, height, width, channel)
    kernel : float32 (size, size, channel)
        Kernel of odd size.

    Returns
    -------
    float32 (batch, height, width)
    """
    batch = tf.shape(x)[0]
    maps = [_samples_last(image) for image in tf.unstack(x, axis=-1)]

    def gradient(upstream: Any) -> tuple[Any, Any]:
        upstream = _samples_last(upstream)
        size = (*kernel.shape[:2], _LANES, 1)
        to_maps = [_slide(upstream, mirrored) for mirrored in tf.unstack(kernel[::-1, ::-1], axis=-1)]
        to_kernel = [
            tf.nn.depthwise_conv2d_backprop_filter(image, size, upstream, _STRIDES, "SAME")[..., 0] for image in maps
        ]
        to_x = tf.stack([_samples_first(image, batch) for image in to_maps], axis=-1)
        return to_x, tf.reduce_sum(tf.stack(to_kernel, axis=-1), axis=2)

    output = tf.add_n([_slide(image, plane) for image, plane in zip(maps, tf.unstack(kernel, axis=-1), strict=True)])
    return _samples_first(output, batch), gradient


def _slide(x: Any, kernel: Any) -> Any:
    """Convolve an array (groups, height, width, 8) with one kernel (size, size)."""
    return tf.nn.depthwise_conv2d(x, tf.tile(kernel[:, :, None, None], (1, 1, _LANES, 1)), _STRIDES, "SAME")


def _samples_last(x: Any) -> Any:
    """Rearrange (batch, height, width) to (groups, height, width, 8); the last group is padded with zeros."""
    filled = tf.pad(x, ((0, -tf.shape(x)[0] % _LANES), (0, 0), (0, 0)))
    return tf.transpose(tf.reshape(filled, (-1, _LANES, *x.shape[1:])), (0, 2, 3, 1))


def _samples_first(x: Any, batch: Any) -> Any:
    """Invert `_samples_last`."""
    return tf.reshape(tf.transpose(x, (0, 3, 1, 2)), (-1, *x.shape[1:3]))[:batch]
