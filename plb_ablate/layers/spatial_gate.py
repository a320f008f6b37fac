"""Spatial gate: where to look, learned from the mean and the maximum over channels."""

from typing import Any

import keras
from keras import ops

__all__ = ["SpatialGate"]


@keras.saving.register_keras_serializable(package="plb_ablate")
class SpatialGate(keras.layers.Layer):
    """Multiply an image by a mask learned from its channel mean and channel maximum.

    The mask is ``sigmoid(relu(BN(Conv2D(1, k x k, same, no bias)([mean; max]))))``.

    Parameters
    ----------
    kernel_size : int
        Side of the convolution.
    momentum, epsilon : float
        Of the batch normalisation.
    **kwargs
        Of `keras.layers.Layer`.

    Call arguments
    --------------
    x : float32 (batch, height, width, channel)

    Returns
    -------
    float32, same shape as `x`

    References
    ----------
    Woo et al., CBAM: Convolutional Block Attention Module, ECCV 2018, equation 3.
    """

    def __init__(self, kernel_size: int = 7, momentum: float = 0.01, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_size, self.momentum, self.epsilon = kernel_size, momentum, epsilon
        self.conv = keras.layers.Conv2D(1, kernel_size, padding="same", use_bias=False, name="conv")
        self.bn = keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name="bn")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights of the convolution and of the normalisation."""
        self.conv.build((*input_shape[:-1], 2))
        self.bn.build((*input_shape[:-1], 1))

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Apply the gate."""
        return x * ops.sigmoid(ops.relu(self.bn(self._convolve(x), training=training)))

    def _convolve(self, x: Any) -> Any:
        if x.shape[-1] == 1:
            return self._convolve_one_channel(x)
        pooled = [ops.mean(x, axis=-1, keepdims=True), ops.max(x, axis=-1, keepdims=True)]
        return self.conv(ops.concatenate(pooled, axis=-1))

    def _convolve_one_channel(self, x: Any) -> Any:
        """Convolve a one-channel image, whose mean and maximum maps are the image itself.

        The two input planes of the kernel then act as their sum, and the width becomes the channels of a
        one-dimensional convolution with a banded kernel: the same sums as one large matrix product.
        """
        width = x.shape[2]
        kernel = ops.sum(self.conv.kernel, axis=(2, 3))
        column = ops.arange(width)
        offset = column[:, None] - column[None, :] + (self.kernel_size - 1) // 2
        inside = ops.cast((offset >= 0) & (offset < self.kernel_size), kernel.dtype)
        band = ops.take(kernel, ops.clip(offset, 0, self.kernel_size - 1), axis=1) * inside
        return ops.conv(x[..., 0], band, padding="same")[..., None]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output: that of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Every argument of the constructor."""
        return super().get_config() | {
            "kernel_size": self.kernel_size,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }
