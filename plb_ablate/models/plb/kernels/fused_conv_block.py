"""Convolution of a one-channel image, batch normalisation over time, ELU and pooling, fused into matrix products.

The convolution of a one-channel image has 9 inputs and 64 outputs per position, so an operation on its inputs costs a
seventh of the same operation on its outputs. Batch normalisation over the time axis applies the same scale and shift to
all channels of a time step, so both can be folded into a kernel per time step; its statistics follow from the means and
the covariance of the inputs of that time step. The first axis of all arrays here is time.
"""

from typing import Any

import tensorflow as tf

__all__ = ["PoolingPatches", "elu_pool", "output_statistics", "time_kernels", "time_second"]

_SIZE = 3

_TIME_STEPS = 33
"""Time steps whose activations are computed together."""


class PoolingPatches:
    """Input patches of a 3x3 convolution of a one-channel image, grouped by position in the 2x2 pooling window.

    Parameters
    ----------
    x : float32 (batch, time, coefficient, 1)
    dilation : int

    Attributes
    ----------
    places : list of float32 (time' // 2, 10, batch * (coefficient' // 2))
        For each of the four positions in the window (time first): the 9 inputs of the convolution, then ones. Each time
        step of the image is centred, to avoid cancellation in the sums.
    centre : float32 (time', 9)
        Means that were subtracted from the 9 inputs.
    moments : float32 (time', 10, 10)
        Mean products of the inputs (and ones) of each time step, including positions outside all pooling windows.
    """

    def __init__(self, x: Any, dilation: int) -> None:
        self.dilation = dilation
        self.height, self.width = (int(size) - dilation * (_SIZE - 1) for size in x.shape[1:3])
        self.batch = tf.shape(x)[0]
        x = tf.transpose(x[..., 0], (1, 0, 2))
        centre = tf.reduce_mean(x, axis=(1, 2))
        rows = [centre[dilation * i : dilation * i + self.height] for i in range(_SIZE)]
        self.centre = tf.repeat(tf.stack(rows, axis=-1), _SIZE, axis=-1)
        x -= centre[:, None, None]
        self.places = self._places(x)
        self.moments = self._moments(x)

    def _places(self, x: Any) -> list[Any]:
        """Extract every second row and column once; all patches are then contiguous slices that positions share."""
        height, width = self.height // 2, self.width // 2
        every_second = {(i, j): x[i::2, :, j::2] for i in range(2) for j in range(2)}
        steps = [self.dilation * i for i in range(_SIZE)]
        offsets = sorted({step + i for step in steps for i in range(2)})
        shifted = {
            (i, j): every_second[i % 2, j % 2][i // 2 : i // 2 + height, :, j // 2 : j // 2 + width]
            for i in offsets
            for j in offsets
        }
        return [
            _stacked([shifted[row + i, column + j] for row in steps for column in steps])
            for i in range(2)
            for j in range(2)
        ]

    def _inputs(self, x: Any, positions: tuple[slice, slice]) -> Any:
        """Gather the 9 inputs of the given output positions."""
        steps = [self.dilation * i for i in range(_SIZE)]
        return _stacked([x[_later(positions[0], i), :, _later(positions[1], j)] for i in steps for j in steps])

    def _moments(self, x: Any) -> Any:
        count = tf.cast(self.batch * self.width, x.dtype)
        sums = [tf.matmul(place, place, transpose_b=True) for place in self.places]
        sums = [sums[0] + sums[1], sums[2] + sums[3]]
        total = tf.reshape(tf.stack(sums, axis=1), (-1, _SIZE**2 + 1, _SIZE**2 + 1))
        if self.height % 2:
            last = self._inputs(x, (slice(self.height - 1, self.height), slice(0, 2 * (self.width // 2))))
            total = tf.concat([total, tf.matmul(last, last, transpose_b=True)], axis=0)
        if self.width % 2:
            edge = self._inputs(x, (slice(0, self.height), slice(self.width - 1, self.width)))
            total += tf.matmul(edge, edge, transpose_b=True)
        return total / count


def _stacked(inputs: list[Any]) -> Any:
    """Stack the 9 inputs and ones: (time positions, 10, remaining positions)."""
    stacked = tf.stack([*inputs, tf.ones_like(inputs[0])], axis=1)
    return tf.reshape(stacked, (stacked.shape[0], _SIZE**2 + 1, -1))


def _later(positions: slice, offset: int) -> slice:
    return slice(positions.start + offset, positions.stop + offset, positions.step)


def output_statistics(patches: PoolingPatches, kernel: Any, bias: Any) -> tuple[Any, Any]:
    """Mean and variance of the convolution's output at each time step, over batch, coefficients and channels.

    Parameters
    ----------
    patches : PoolingPatches
    kernel : float32 (9, channels)
    bias : float32 (channels,)

    Returns
    -------
    mean, variance : float32 (time',)
        The variance is the mean variance within channels plus the variance of the channel means.
    """
    mean_input = patches.moments[:, :-1, -1]
    covariance = patches.moments[:, :-1, :-1] - mean_input[:, :, None] * mean_input[:, None, :]
    channel_means = tf.matmul(mean_input + patches.centre, kernel) + bias
    mean = tf.reduce_mean(channel_means, axis=1)
    within = tf.reduce_sum(covariance * tf.matmul(kernel, kernel, transpose_b=True), axis=(1, 2)) / kernel.shape[1]
    return mean, within + tf.reduce_mean(tf.square(channel_means - mean[:, None]), axis=1)


def time_kernels(patches: PoolingPatches, kernel: Any, bias: Any, scale: Any, shift: Any) -> tuple[Any, Any]:
    """Fold bias, scale and shift into one kernel per time step.

    Parameters
    ----------
    patches : PoolingPatches
    kernel : float32 (9, channels)
    bias : float32 (channels,)
    scale, shift : float32 (time',)

    Returns
    -------
    first, second : float32 (time' // 2, 10, channels)
        Kernels for the first and for the second time step of the pooling windows.
    """
    constant = tf.matmul(patches.centre, kernel) + bias
    rows = tf.concat([tf.broadcast_to(kernel, (patches.height, *kernel.shape)), constant[:, None]], axis=1)
    kernels = rows * scale[:, None, None]
    kernels += tf.pad(shift[:, None, None], ((0, 0), (_SIZE**2, 0), (0, 0)))
    first, second = tf.unstack(tf.reshape(kernels[: 2 * (patches.height // 2)], (-1, 2, *kernels.shape[1:])), axis=1)
    return first, second


@tf.custom_gradient
def elu_pool(first: Any, second: Any, *places: Any) -> Any:
    """Sum ``elu(place^T kernel)`` over the four positions, with a gradient that recomputes the activations.

    A few time steps are computed at a time, whose activations fit the CPU cache; those of all would be four times as
    large as the result. The control dependencies keep this order, and that of the sum.

    Parameters
    ----------
    first, second : float32 (time, k, channels)
        Kernels of the first two and of the last two positions.
    *places : float32 (time, k, n)

    Returns
    -------
    float32 (time, n, channels)
    """
    positions = list(zip(places, (first, first, second, second), strict=True))
    parts = [slice(start, start + _TIME_STEPS) for start in range(0, first.shape[0], _TIME_STEPS)]

    def activation(place: Any, kernel: Any, part: slice) -> Any:
        return tf.nn.elu(tf.matmul(place[part], kernel[part], transpose_a=True))

    sums: list[Any] = []
    for part in parts:
        total = None
        for position in positions:
            with tf.control_dependencies(sums[-1:] if total is None else [total]):
                added = activation(*position, part)
                total = added if total is None else total + added
        sums.append(total)

    def gradient(upstream: Any) -> tuple[Any, ...]:
        done, to_kernels, to_places = [upstream], [], []
        for part in parts:
            with tf.control_dependencies(done):
                slopes = [
                    tf.raw_ops.EluGrad(gradients=upstream[part], outputs=activation(*position, part))
                    for position in positions
                ]
                products = [tf.matmul(place[part], slope) for place, slope in zip(places, slopes, strict=True)]
                done = [products[0] + products[1], products[2] + products[3]]
            to_kernels.append(done)
            to_places.append(
                [
                    tf.matmul(kernel[part], slope, transpose_b=True)
                    for (_, kernel), slope in zip(positions, slopes, strict=True)
                ]
            )
        parted = (*zip(*to_kernels, strict=True), *zip(*to_places, strict=True))
        return tuple(tf.concat(parts, axis=0) for parts in parted)

    return tf.concat(sums, axis=0), gradient


@tf.custom_gradient
def time_second(x: Any, batch: Any) -> Any:
    """Move the batch axis to the front: (time, batch * n, channels) -> (batch, time, n, channels).

    Gathering whole rows is faster than a transposition.
    """
    time, channels = x.shape[0], x.shape[2]
    rows = tf.reshape(x, (time * batch, -1))
    turned = tf.gather(rows, tf.reshape(tf.transpose(tf.reshape(tf.range(time * batch), (time, batch))), (-1,)))

    def gradient(upstream: Any) -> tuple[Any, None]:
        rows = tf.reshape(upstream, (batch * time, -1))
        back = tf.transpose(tf.reshape(tf.range(batch * time), (batch, time)))
        return tf.reshape(tf.gather(rows, tf.reshape(back, (-1,))), tf.shape(x)), None

    return tf.reshape(turned, (batch, time, -1, channels)), gradient
