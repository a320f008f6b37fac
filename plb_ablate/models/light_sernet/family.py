"""LIGHT-SERNET as a model family: its three paths are the removable modules."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from plb_ablate.models.family import BuildSettings, ModelFamily, Shape
from plb_ablate.models.light_sernet.paths import PATH_FILTERS, PATHS

if TYPE_CHECKING:
    import keras

__all__ = ["LIGHT_SERNET"]


def _build(num_classes: int, input_shape: Shape, ablation: str, settings: BuildSettings) -> "keras.Model":
    from plb_ablate.models.light_sernet.network import build_light_sernet

    removed = LIGHT_SERNET.removed(ablation)
    return build_light_sernet(num_classes, input_shape, removed, bn_momentum=settings.bn_momentum)


def _expected_loss(ablation: str, full: Mapping[str, int]) -> dict[str, int]:
    """A variant lacks its paths, and the weights of the first convolution that read them.

    Without any path that convolution reads the one channel of the input.
    """
    removed = LIGHT_SERNET.removed(ablation)
    lost = {f"{path}{part}": full.get(f"{path}{part}", 0) for path in removed for part in ("", "_norm")}
    channels = len(PATHS) * PATH_FILTERS
    left = (len(PATHS) - len(removed)) * PATH_FILTERS or 1
    return lost | {"body_1": full.get("body_1", 0) * (channels - left) // channels}


LIGHT_SERNET = ModelFamily(
    name="light_sernet",
    title="LIGHT-SERNET",
    modules={"time": "time path", "frequency": "frequency path", "local": "local path"},
    build=_build,
    expected_loss=_expected_loss,
    options=frozenset({"bn_momentum"}),
)
"""Three parallel convolutions, then four of 3 x 3 and one of 1 x 1 (Aftab et al., ICASSP 2022)."""
