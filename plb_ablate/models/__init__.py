"""Networks, one folder per model family, and inspection of them: parameters by module, effect of a removal.

In: the name of an ablation variant and the number of classes. Out: a Keras model with named layers and weights.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plb_ablate.models.inspection import named_weights
    from plb_ablate.models.plb.network import build_model

__all__ = ["build_model", "named_weights"]


def __getattr__(name: str) -> Any:
    """Import TensorFlow only when a network is built."""
    if name == "build_model":
        from plb_ablate.models.plb.network import build_model

        return build_model
    if name == "named_weights":
        from plb_ablate.models.inspection import named_weights

        return named_weights
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
