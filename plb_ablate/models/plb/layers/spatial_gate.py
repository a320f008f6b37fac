"""Spatial gate: one weight per position, learned from the mean and the maximum over channels."""

from typing import Any

import keras
from keras import ops

from plb_ablate.models.plb.kernels.mean_max_pool import mean_and_max
from plb_ablate.models.plb.kernels.single_channel_conv import convolve_to_plane

__all__ = ["SpatialGate"]


@keras.saving.register_keras_serializable(package="plb_ablate")
class SpatialGate(keras.layers.Layer):
    """Multiply an image by a mask learned from its channel mean and channel maximum.

    The mask is ``sigmoid(relu(BN(Conv2D(1, k x k, same, no bias)([mean; max]))))``.

    Parameters
    ----------
    kernel_size : int
        Size of the convolution kernel, odd.
    momentum, epsilon : float
        Parameters of the batch normalisation.
    constant : bool
        Whether the mask is computed from ones instead of the input, so that it does not depend on it.
    **kwargs
        Arguments of `keras.layers.Layer`.

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

    def __init__(
        self,
        kernel_size: int = 7,
        momentum: float = 0.01,
        epsilon: float = 1e-5,
        constant: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size={kernel_size} must be odd, for example 7.")
        self.kernel_size, self.momentum, self.epsilon, self.constant = kernel_size, momentum, epsilon, constant
        self.conv = keras.layers.Conv2D(1, kernel_size, padding="same", use_bias=False, name="conv")
        self.bn = keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name="bn")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights of the convolution and of the normalisation."""
        self.conv.build((*input_shape[:-1], 2))
        self.bn.build((*input_shape[:-1], 1))

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Apply the gate."""
        seen = ops.ones((1, *x.shape[1:])) if self.constant else x
        return x * ops.sigmoid(ops.relu(self.bn(self._convolve(seen, training), training=training)))

    def _convolve(self, x: Any, training: bool | None) -> Any:
        """Convolve the two maps; for a one-channel image both equal the image, so the kernel's planes are summed."""
        kernel = ops.convert_to_tensor(self.conv.kernel)
        if x.shape[-1] == 1:
            maps, kernel = x, ops.sum(kernel, axis=2, keepdims=True)
        else:
            maps = ops.concatenate(mean_and_max(x, (-1,)), axis=-1)
        if training:
            return ops.expand_dims(convolve_to_plane(maps, kernel[..., 0]), -1)
        return ops.conv(maps, kernel, padding="same")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape, which is the input shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return super().get_config() | {
            "kernel_size": self.kernel_size,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "constant": self.constant,
        }
