"""The convolution block of the Pattern Learning Block and of the dilated stage."""

from typing import Any

import keras
from keras import ops

from plb_ablate.models.plb.kernels.fused_conv_block import (
    PoolingPatches,
    elu_pool,
    output_statistics,
    time_kernels,
    time_second,
)
from plb_ablate.models.plb.kernels.mixed_precision import in_precision
from plb_ablate.models.plb.kernels.time_batch_norm import normalise_over_time

__all__ = ["ConvBlock"]


@keras.saving.register_keras_serializable(package="plb_ablate")
class ConvBlock(keras.layers.Layer):
    """Conv2D (3x3, valid), batch normalisation over time, ELU, 2x2 average pooling, spatial dropout.

    Parameters
    ----------
    filters : int
        Output channels.
    dilation : int
        Dilation of the convolution, in frames and coefficients.
    dropout : float
        Fraction of channels dropped in training.
    momentum : float
        Momentum of the moving batch statistics.
    precision : str
        Precision of the convolution in training, if the image has several channels; see `kernels.mixed_precision`.
    **kwargs
        Arguments of `keras.layers.Layer`.

    Call arguments
    --------------
    x : float32 (batch, time, coefficient, channel)

    Returns
    -------
    float32 (batch, (time - 2 dilation) // 2, (coefficient - 2 dilation) // 2, filters)

    Notes
    -----
    Batch normalisation has one mean and variance per time step (axis 1), as in the published code.
    """

    def __init__(
        self,
        filters: int = 64,
        dilation: int = 1,
        dropout: float = 0.2,
        momentum: float = 0.99,
        precision: str = "float32",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.precision = precision
        self.filters, self.dilation, self.dropout_rate, self.momentum = filters, dilation, dropout, momentum
        self.conv = keras.layers.Conv2D(filters, 3, dilation_rate=dilation, name="conv")
        self.bn = keras.layers.BatchNormalization(axis=1, momentum=momentum, name="bn")
        self.pool = keras.layers.AveragePooling2D(2, name="pool")
        self.dropout = keras.layers.SpatialDropout2D(dropout, name="dropout")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights of the convolution and of the normalisation."""
        self.conv.build(input_shape)
        self.bn.build(self.conv.compute_output_shape(input_shape))

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Apply the block."""
        if training and x.shape[-1] == 1:
            return self._train_one_channel(x)
        x = self._normalised(x) if training else self.bn(self.conv(x), training=False)
        return self.dropout(self.pool(ops.elu(x)), training=training)

    def _normalised(self, x: Any) -> Any:
        convolve = in_precision(ops.conv, self.precision)
        x = convolve(x, ops.convert_to_tensor(self.conv.kernel), dilation_rate=self.dilation) + self.conv.bias
        x, mean, variance = normalise_over_time(x, self.bn.gamma.value, self.bn.beta.value, self.bn.epsilon)
        self._move(mean, variance)
        return x

    def _move(self, mean: Any, variance: Any) -> None:
        """Update the moving statistics with those of a batch."""
        for moving, now in ((self.bn.moving_mean, mean), (self.bn.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1.0 - self.momentum))

    def _train_one_channel(self, x: Any) -> Any:
        """Apply the block with `kernels.fused_conv_block`: the same function in a third of the time."""
        patches = PoolingPatches(x, self.dilation)
        kernel = ops.reshape(self.conv.kernel, (-1, self.filters))
        mean, variance = output_statistics(patches, kernel, self.conv.bias)
        self._move(mean, variance)
        scale = self.bn.gamma * ops.rsqrt(variance + self.bn.epsilon)
        kernels = time_kernels(patches, kernel, self.conv.bias, scale, self.bn.beta - scale * mean)
        pooled = elu_pool(*kernels, *patches.places)
        quarters = ops.full((patches.batch, 1, 1, self.filters), 0.25, dtype=pooled.dtype)
        output = time_second(pooled, patches.batch) * self.dropout(quarters, training=True)
        return ops.reshape(output, (-1, *self.compute_output_shape(x.shape)[1:]))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        return tuple(self.pool.compute_output_shape(self.conv.compute_output_shape(input_shape)))

    def get_config(self) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return super().get_config() | {
            "filters": self.filters,
            "dilation": self.dilation,
            "dropout": self.dropout_rate,
            "momentum": self.momentum,
            "precision": self.precision,
        }
