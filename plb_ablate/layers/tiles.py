"""A convolution with a single output channel, as one matrix product over tiles of the image.

One output channel leaves a convolution nothing to share between the columns of a matrix product. Tiles do: the 8 x 8
outputs of a tile depend on one patch of inputs, so that all tiles are the rows of a product with a matrix that holds
the kernel once for each output of a tile.
"""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

__all__ = ["tile_convolution"]

_SIDE = 8


def tile_convolution(x: Any, kernel: Any) -> Any:
    """Convolve with padding such that the output is as large as the image.

    Parameters
    ----------
    x : float32 (batch, height, width, channel)
    kernel : float32 (size, size, channel)

    Returns
    -------
    float32 (batch, height, width)
    """
    height, width, channels = x.shape[1:]
    side = max(_SIDE, kernel.shape[0] - 1)
    source = _Grid(height, width, kernel.shape, side)
    target = _Grid(height, width, (*kernel.shape[:2], 1), side)

    @tf.custom_gradient
    def convolve(x: Any, kernel: Any) -> Any:
        patches = source.patches(x)

        def gradient(upstream: Any) -> tuple[Any, Any]:
            to_matrix = tf.matmul(patches, source.cut(upstream), transpose_a=True)
            patches_back = target.patches(upstream[..., None], mirrored=True)
            mirrored = kernel[::-1, ::-1]
            products = [tf.matmul(patches_back, target.matrix(mirrored[:, :, channel])) for channel in range(channels)]
            return tf.stack([target.join(product) for product in products], axis=-1), source.taps(to_matrix)

        return source.join(tf.matmul(patches, source.matrix(kernel))), gradient

    return convolve(x, kernel)


class _Grid:
    """How an image of one size is cut into tiles of outputs and patches of inputs."""

    def __init__(self, height: int, width: int, kernel: tuple[int, ...], side: int) -> None:
        self.height, self.width, self.kernel, self.side = height, width, kernel, side
        self.halo = kernel[0] - 1
        self.rows, self.columns = -(-height // side), -(-width // side)
        self.index = _kernel_index(kernel, side)

    def patches(self, x: Any, mirrored: bool = False) -> Any:
        """Inputs of each tile, (tiles, k), of an image (batch, height, width, channel)."""
        before = self.halo - (self.halo // 2) if mirrored else self.halo // 2
        below = (self.rows + 1) * self.side - self.height - before
        right = self.columns * self.side + self.halo - self.width - before
        x = tf.pad(x, ((0, 0), (before, below), (before, right), (0, 0)))
        starts = range(0, self.columns * self.side, self.side)
        strips = tf.stack([x[:, :, start : start + self.side + self.halo] for start in starts])
        line = (self.side + self.halo) * x.shape[-1]
        strips = tf.reshape(strips, (-1, self.rows + 1, self.side * line))
        patches = tf.concat([strips[:, :-1], strips[:, 1:, : self.halo * line]], axis=-1)
        return tf.reshape(patches, (-1, patches.shape[-1]))

    def matrix(self, kernel: Any) -> Any:
        """Kernel as a matrix (k, outputs of a tile)."""
        return tf.gather(tf.concat([tf.reshape(kernel, (-1,)), tf.zeros(1, kernel.dtype)], axis=0), self.index)

    def taps(self, matrix: Any) -> Any:
        """Sum the gradient of `matrix` over the places of each kernel element."""
        sums = tf.math.unsorted_segment_sum(matrix, self.index, int(np.prod(self.kernel)) + 1)
        return tf.reshape(sums[:-1], self.kernel)

    def cut(self, image: Any) -> Any:
        """Tiles (tiles, outputs of a tile) of an image (batch, height, width)."""
        side = self.side
        below, right = self.rows * side - self.height, self.columns * side - self.width
        image = tf.pad(image, ((0, 0), (0, below), (0, right)))
        strips = tf.stack([image[:, :, side * i : side * (i + 1)] for i in range(self.columns)])
        return tf.reshape(strips, (-1, side * side))

    def join(self, tiles: Any) -> Any:
        """Image (batch, height, width) of its tiles."""
        strips = tf.reshape(tiles, (self.columns, -1, self.rows * self.side, self.side))
        # Slices, since LiteRT's converter takes a concatenation of what was unstacked for a reshape, on any axis.
        return tf.concat([strips[i] for i in range(self.columns)], axis=-1)[:, : self.height, : self.width]


def _kernel_index(kernel: tuple[int, ...], side: int) -> NDArray[np.int32]:
    """Which element of the flat kernel joins each input of a patch with each output of its tile; the last is none."""
    size, _, channels = kernel
    reach = side + size - 1
    i, j, channel, row, column = np.ogrid[:reach, :reach, :channels, :side, :side]
    down, across = i - row, j - column
    inside = (down >= 0) & (down < size) & (across >= 0) & (across < size)
    index = np.where(inside, (down * size + across) * channels + channel, size * size * channels)
    return index.reshape(reach * reach * channels, side * side).astype(np.int32)
