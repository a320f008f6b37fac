"""Dynamic routing between capsules."""

from typing import Any

import keras
from keras import ops

from plb_ablate.models.plb.layers.capsules import squash

__all__ = ["DynamicRouting"]


@keras.saving.register_keras_serializable(package="plb_ablate")
class DynamicRouting(keras.layers.Layer):
    """Route input capsules to `capsules` output capsules by agreement.

    Parameters
    ----------
    capsules : int
        Number of output capsules.
    dimension : int
        Dimension of an output capsule.
    iterations : int
        Number of routing iterations.
    **kwargs
        Arguments of `keras.layers.Layer`.

    Call arguments
    --------------
    x : float32 (batch, n, input dimension)

    Returns
    -------
    float32 (batch, capsules, dimension)

    Notes
    -----
    With ``u_hat = x W``: the coupling ``c`` is the softmax of the logits ``b`` over the output capsules (``b`` starts
    at 0), ``o = sum_n c u_hat``; between iterations ``o`` is l2-normalised and ``b = <o, u_hat>`` replaces the old
    logits. ``u_hat`` is never computed explicitly, because it is much larger than the input: both sums are contracted
    with ``W``.

    References
    ----------
    Sabour et al., Dynamic Routing Between Capsules, NeurIPS 2017, procedure 1, with the changes of the published model.
    """

    def __init__(self, capsules: int = 6, dimension: int = 64, iterations: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.capsules, self.dimension, self.iterations = capsules, dimension, iterations

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the transformation, shared by all input capsules."""
        self.kernel = self.add_weight(
            name="kernel", shape=(1, input_shape[-1], self.capsules * self.dimension), initializer="glorot_uniform"
        )

    def call(self, x: Any) -> Any:
        """Route."""
        kernel = ops.reshape(self.kernel, (x.shape[-1], self.capsules, self.dimension))
        gathered = ops.repeat(ops.mean(x, axis=1, keepdims=True), self.capsules, axis=1) * (x.shape[1] / self.capsules)
        outputs = ops.einsum("bji,ijd->bjd", gathered, kernel)
        for _ in range(self.iterations - 1):
            direction = ops.einsum("bjd,ijd->bij", ops.normalize(outputs, axis=-1, epsilon=1e-12), kernel)
            coupling = ops.softmax(ops.matmul(x, direction), axis=-1)
            gathered = ops.matmul(ops.swapaxes(coupling, 1, 2), x)
            outputs = ops.einsum("bji,ijd->bjd", gathered, kernel)
        return squash(outputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        return (input_shape[0], self.capsules, self.dimension)

    def get_config(self) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return super().get_config() | {
            "capsules": self.capsules,
            "dimension": self.dimension,
            "iterations": self.iterations,
        }
