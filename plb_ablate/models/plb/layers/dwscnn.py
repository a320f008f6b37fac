"""Depthwise-separable convolution that produces the feature maps for the capsules."""

from typing import Any

import keras
from keras import ops

from plb_ablate.models.plb.kernels.mixed_precision import in_precision

__all__ = ["DWSCNN"]


@keras.saving.register_keras_serializable(package="plb_ablate")
class DWSCNN(keras.layers.Layer):
    """Depthwise 3x3 (valid, dilated, bias), then pointwise 1x1 (bias), without activation.

    Parameters
    ----------
    filters : int
        Output channels of the pointwise convolution.
    dilation : int
        Dilation of the depthwise convolution.
    precision : str
        Precision of the pointwise convolution in training; see `plb_ablate.models.plb.kernels.mixed_precision`.
    **kwargs
        Arguments of `keras.layers.Layer`.

    Call arguments
    --------------
    x : float32 (batch, height, width, channel)

    Returns
    -------
    float32 (batch, height - 2 dilation, width - 2 dilation, filters)

    References
    ----------
    Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017,
    section 3.1.
    """

    def __init__(self, filters: int = 384, dilation: int = 2, precision: str = "float32", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.precision = precision
        self.filters, self.dilation = filters, dilation
        self.depthwise = keras.layers.DepthwiseConv2D(3, dilation_rate=dilation, name="depthwise")
        self.pointwise = keras.layers.Conv2D(filters, 1, name="pointwise")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights of both convolutions."""
        self.depthwise.build(input_shape)
        self.pointwise.build(self.depthwise.compute_output_shape(input_shape))

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Apply both convolutions."""
        x = self.depthwise(x)
        if not training:
            return self.pointwise(x)
        convolve = in_precision(ops.conv, self.precision)
        return convolve(x, ops.convert_to_tensor(self.pointwise.kernel)) + self.pointwise.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        return tuple(self.pointwise.compute_output_shape(self.depthwise.compute_output_shape(input_shape)))

    def get_config(self) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return super().get_config() | {"filters": self.filters, "dilation": self.dilation, "precision": self.precision}
