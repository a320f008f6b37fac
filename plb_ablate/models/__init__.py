"""Networks, one folder a family; what a variant is made of, and whether a removal took effect.

In: the name of a variant and the number of classes. Out: a Keras model with named layers and weights.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plb_ablate.models.inspection import named_weights
    from plb_ablate.models.plb.network import build_model

__all__ = ["build_model", "named_weights"]


def __getattr__(name: str) -> Any:
    """Load TensorFlow only where a network is built."""
    if name == "build_model":
        from plb_ablate.models.plb.network import build_model

        return build_model
    if name == "named_weights":
        from plb_ablate.models.inspection import named_weights

        return named_weights
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
