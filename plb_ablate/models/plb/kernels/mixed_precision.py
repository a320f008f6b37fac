"""Mixed precision: the large matrix products and convolutions in bfloat16, everything else in float32."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["in_precision"]


def in_precision(product: Callable[..., Any], precision: str) -> Callable[..., Any]:
    """Wrap a product of arrays so that it and its gradients are computed in `precision`; inputs and output are float32.

    Parameters
    ----------
    product : callable
        Called with arrays, and options as keyword arguments.
    precision : {"float32", "bfloat16"}
    """
    if precision == "float32":
        return product

    def low(*arrays: Any, **options: Any) -> Any:
        return tf.cast(product(*(tf.cast(array, precision) for array in arrays), **options), tf.float32)

    return low
