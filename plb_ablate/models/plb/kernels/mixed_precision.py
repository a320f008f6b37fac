"""The products in which the work is, in bfloat16: everything around them stays float32."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["in_precision"]


def in_precision(product: Callable[..., Any], precision: str) -> Callable[..., Any]:
    """Let a product of arrays compute in `precision`, from float32 to float32; so do its gradients.

    Parameters
    ----------
    product : callable
        Of arrays and named options.
    precision : {"float32", "bfloat16"}
    """
    if precision == "float32":
        return product

    def low(*arrays: Any, **options: Any) -> Any:
        return tf.cast(product(*(tf.cast(array, precision) for array in arrays), **options), tf.float32)

    return low
