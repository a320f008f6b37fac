"""Reversal of one axis."""

from typing import Any

import keras
from keras import ops

__all__ = ["Reverse"]


@keras.saving.register_keras_serializable(package="plb_ablate")
class Reverse(keras.layers.Layer):
    """Reverse one axis of the input.

    Parameters
    ----------
    axis : int
        1 for the time axis, 2 for the coefficient axis of (batch, time, coefficient, 1).
    **kwargs
        Arguments of `keras.layers.Layer`.

    Call arguments
    --------------
    x : float32 (batch, time, coefficient, 1)

    Returns
    -------
    float32, same shape as `x`
    """

    def __init__(self, axis: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, x: Any) -> Any:
        """Reverse."""
        return ops.flip(x, axis=self.axis)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape, which is the input shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return super().get_config() | {"axis": self.axis}
