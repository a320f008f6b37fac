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
        1 is time, 2 is the coefficient axis of (batch, time, coefficient, 1).
    **kwargs
        Of `keras.layers.Layer`.

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
        """Shape of the output: that of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Every argument of the constructor."""
        return super().get_config() | {"axis": self.axis}
