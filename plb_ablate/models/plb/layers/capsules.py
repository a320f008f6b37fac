"""Conversion of feature maps to capsules, and the squash function that limits their length to less than one."""

from typing import Any

import keras
from keras import ops

__all__ = ["ToCapsules", "squash"]

_EPSILON = 1e-7


def squash(vectors: Any) -> Any:
    """Shrink vectors to a length less than one, keeping their direction.

    Parameters
    ----------
    vectors : float32 (..., dimension)

    Returns
    -------
    float32, same shape
        ``v |v|^2 / (1 + |v|^2) / sqrt(|v|^2 + 1e-7)``.

    References
    ----------
    Sabour et al., Dynamic Routing Between Capsules, NeurIPS 2017, equation 1.
    """
    squared = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * (squared / (1.0 + squared) / ops.sqrt(squared + _EPSILON))


@keras.saving.register_keras_serializable(package="plb_ablate")
class ToCapsules(keras.layers.Layer):
    """Divide feature maps into capsules of equal dimension and squash them.

    Parameters
    ----------
    dimension : int
        Dimension of a capsule.
    **kwargs
        Arguments of `keras.layers.Layer`.

    Call arguments
    --------------
    x : float32 (batch, height, width, channel)

    Returns
    -------
    float32 (batch, height * width * channel // dimension, dimension)
    """

    def __init__(self, dimension: int = 64, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dimension = dimension

    def call(self, x: Any) -> Any:
        """Reshape and squash."""
        return squash(ops.reshape(x, (-1, *self.compute_output_shape(x.shape)[1:])))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        height, width, channels = (int(size or 0) for size in input_shape[1:])
        return (input_shape[0], height * width * channels // self.dimension, self.dimension)

    def get_config(self) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return super().get_config() | {"dimension": self.dimension}
