"""Convolutional block attention module: a channel gate, then a spatial gate."""

from typing import Any

import keras

from plb_ablate.models.plb.layers.channel_gate import ChannelGate
from plb_ablate.models.plb.layers.spatial_gate import SpatialGate

__all__ = ["CBAM"]


@keras.saving.register_keras_serializable(package="plb_ablate")
class CBAM(keras.layers.Layer):
    """Channel gate, then spatial gate, with a residual: ``x + spatial(channel(x))``.

    Parameters
    ----------
    reduction : int
        Argument of `ChannelGate`.
    kernel_size : int
        Argument of `SpatialGate`.
    constant : bool
        Argument of both gates.
    **kwargs
        Arguments of `keras.layers.Layer`.

    Call arguments
    --------------
    x : float32 (batch, height, width, channel)

    Returns
    -------
    float32, same shape as `x`

    Notes
    -----
    The model uses one instance in several places: they share its weights, and all update its moving statistics.

    References
    ----------
    Woo et al., CBAM: Convolutional Block Attention Module, ECCV 2018, equation 1; residual of the published model.
    """

    def __init__(self, reduction: int = 2, kernel_size: int = 7, constant: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reduction, self.kernel_size, self.constant = reduction, kernel_size, constant
        self.channel = ChannelGate(reduction, constant, name="channel")
        self.spatial = SpatialGate(kernel_size, constant=constant, name="spatial")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights of both gates."""
        self.channel.build(input_shape)
        self.spatial.build(input_shape)

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Apply both gates and add the input."""
        return x + self.spatial(self.channel(x), training=training)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape, which is the input shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return super().get_config() | {
            "reduction": self.reduction,
            "kernel_size": self.kernel_size,
            "constant": self.constant,
        }
