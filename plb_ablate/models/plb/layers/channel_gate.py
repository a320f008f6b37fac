"""Channel gate: one weight per channel, learned from its global mean and maximum."""

from typing import Any

import keras
from keras import ops

from plb_ablate.models.plb.kernels.mean_max_pool import mean_and_max

__all__ = ["ChannelGate"]


@keras.saving.register_keras_serializable(package="plb_ablate")
class ChannelGate(keras.layers.Layer):
    """Multiply each channel of an image by a weight from a two-layer network, shared by global mean and maximum.

    Parameters
    ----------
    reduction : int
        The hidden layer has the number of channels divided by this.
    constant : bool
        Whether the network sees ones instead of the pooled channels, so that the weights do not depend on the input.
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
    Woo et al., CBAM: Convolutional Block Attention Module, ECCV 2018, equation 2.
    """

    def __init__(self, reduction: int = 2, constant: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reduction, self.constant = reduction, constant

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the shared two-layer network."""
        channels = int(input_shape[-1] or 0)
        hidden = channels // self.reduction
        self.squeeze = keras.layers.Dense(hidden, activation="relu", name="squeeze")
        self.excite = keras.layers.Dense(channels, name="excite")
        self.squeeze.build((input_shape[0], channels))
        self.excite.build((input_shape[0], hidden))

    def call(self, x: Any) -> Any:
        """Apply the gate."""
        pools = (ops.ones((1, x.shape[-1])),) * 2 if self.constant else mean_and_max(x, (1, 2))
        logits = sum(self.excite(self.squeeze(pooled)) for pooled in pools)
        return x * ops.sigmoid(logits)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape, which is the input shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return super().get_config() | {"reduction": self.reduction, "constant": self.constant}
