"""The Pattern Learning Block network as a model family: names of its modules and of its other variants."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from plb_ablate.models.family import BuildSettings, ModelFamily, Shape
from plb_ablate.models.plb.input_size import check_input_shape

if TYPE_CHECKING:
    import keras

__all__ = ["PLB"]


def _build(num_classes: int, input_shape: Shape, ablation: str, settings: BuildSettings) -> "keras.Model":
    from plb_ablate.models.plb.network import build_model

    return build_model(
        num_classes,
        ablation,
        settings.reverse,
        input_shape=input_shape,
        bn_momentum=settings.bn_momentum,
        precision=settings.precision,
    )


_TAKES = {
    "spa": ("capsule_gate",),
    "sa": ("layer_norm",),  # the attention scale stays, because the other attention uses it
    "spa_published": ("forward", "capsule_gate"),
    "routing_undilated": ("routing",),
    "forward_only": ("backward",),
    "backward_only": ("forward",),
}
"""Layers with weights that a removal takes away, if they do not have its own name."""


def _expected_loss(ablation: str, full: Mapping[str, int]) -> dict[str, int]:
    """A combination lacks whole layers: those of its parts, including the parts of its other names."""
    parts = {part for name in PLB.network_names(ablation) for part in PLB.removed(name)}
    if not parts and PLB.frozen(ablation):
        return {}
    layers = {layer for part in parts or (ablation,) for layer in _TAKES.get(part, (part,))}
    return {layer: full.get(layer, 0) for layer in sorted(layers)}


PLB = ModelFamily(
    name="plb",
    title="Pattern Learning Block network",
    modules={"dwscnn": "DWSCNN", "cbam": "CBAM", "spa": "Spa (clean)", "sa": "SA", "routing": "routing"},
    build=_build,
    named_variants={
        "spa_published": "Spa (published)",
        "routing_undilated": "routing, undilated",
        "forward_only": "forward only",
        "backward_only": "backward only",
    },
    controls={
        "cbam_constant": ("cbam", "CBAM, constant gates"),
        "spa_constant": ("spa", "Spa (clean), constant gate"),
        "sa_constant": ("sa", "SA, uniform attention"),
        "routing_constant": ("routing", "routing, uniform coefficients"),
    },
    rows_below={"spa": "spa_published", "routing": "routing_undilated"},
    streams=("forward_only", "backward_only"),
    notes={
        "spa_published": "Spa (published) is the row that the published page calls Spa. It is a different model; Spa "
        "(clean) is the proposed model without spatial attention.",
        "routing_undilated": "routing, undilated lacks the routing and the dilation of the depthwise convolution. Its "
        "learning curves are those published of the row routing (erratum 10, docs/reproduction.md).",
    },
    not_removals=frozenset({"spa_published", "routing_undilated"}),
    applied_by={"spa": ("dwscnn", "sa")},  # to the capsules after dwscnn and to the product of sa, and nowhere else
    expected_loss=_expected_loss,
    check_input=check_input_shape,
    loss="published",
    options=frozenset({"reverse", "bn_momentum", "precision"}),
    kernels_by_name=True,
    published=True,
)
"""The network of the published study; modules have the order of its table."""
