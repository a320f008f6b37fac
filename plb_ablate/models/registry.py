"""All model families by the name used in ``model=<name>``."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from plb_ablate.core.errors import ConfigError, ModelFileError
from plb_ablate.models.family import BuildSettings, ModelFamily, Network, Shape
from plb_ablate.models.light_sernet.family import LIGHT_SERNET
from plb_ablate.models.plb.family import PLB
from plb_ablate.models.user_file import read_user_model

__all__ = [
    "FAMILIES",
    "FILE",
    "MODELS",
    "family_in_results",
    "family_of_settings",
    "find_family",
    "model_settings",
    "network_of_settings",
]

FAMILIES = {family.name: family for family in (PLB, LIGHT_SERNET)}
"""The families of the package."""

FILE = "file"
"""Name of the model that a user's file defines."""

MODELS = (*FAMILIES, FILE)
"""Values of ``model=``."""


def find_family(name: str, file: str | Path | None = None) -> ModelFamily:
    """Return a model family.

    Parameters
    ----------
    name : str
        One of `MODELS`.
    file : str or Path, optional
        The user's file; only for ``file``.

    Raises
    ------
    ConfigError
        If the name is unknown, or a file is missing or superfluous.
    ModelFileError
        If the user's file cannot be read or lacks a name (`plb_ablate.models.user_file.read_user_model`).
    """
    if name not in MODELS:
        raise ConfigError(f"model={name} is unknown. Use one of {', '.join(MODELS)}.")
    if (name == FILE) != bool(file):
        way = "needs model.file=<your file>.py" if name == FILE else f"has no file: leave out model.file={file}"
        raise ConfigError(f"model={name} {way}.")
    return read_user_model(Path(str(file))).family if name == FILE else FAMILIES[name]


def model_settings(name: str, file: str | Path | None = None) -> dict[str, Any]:
    """Return what identifies a model in a cell: its name; of a user's file also its own name, digest and modules."""
    if name != FILE:
        return {"name": name}
    model = read_user_model(Path(str(file)))
    return {"name": name, "file": model.path.name, "digest": model.digest, "modules": list(model.modules)}


def family_of_settings(settings: Mapping[str, Any], file: Path | None = None) -> ModelFamily:
    """Return the family that a cell's settings name; a user's file must have the content that they name.

    Parameters
    ----------
    settings : mapping
        Of a cell; without ``model`` it is the published network.
    file : Path, optional
        A copy of the user's file.

    Raises
    ------
    ModelFileError
        If the file has another content.
    """
    model = settings.get("model", {"name": PLB.name})
    if model["name"] != FILE:
        return FAMILIES[model["name"]]
    if file is None:
        return family_in_results(model["file"], tuple(model["modules"]))
    found = read_user_model(file)
    if found.digest != model["digest"]:
        raise ModelFileError(f"{file} is not the file that the results were trained with: its content has changed.")
    return found.family


def network_of_settings(
    settings: Mapping[str, Any], num_classes: int, input_shape: Shape, file: Path | None = None
) -> Network:
    """Return the network of a cell's settings; `file` as in `family_of_settings`."""
    trainer = settings["trainer"]
    build = BuildSettings(settings["reverse"], trainer["bn_momentum"], trainer.get("precision", "float32"))
    return Network(family_of_settings(settings, file), num_classes, input_shape, settings["ablation"], build)


@cache
def family_in_results(name: str, modules: tuple[str, ...] = ()) -> ModelFamily:
    """Return the family of stored results: one of the package, or one with these modules that cannot be built."""
    if name in FAMILIES:
        return FAMILIES[name]
    return ModelFamily(name, f"model of {name}", {module: module for module in modules}, build=_unknown)


def _unknown(*_: Any) -> Any:
    raise ModelFileError("the file of this model is not at hand: name it with model=file model.file=...")
