"""What an exported model says of itself, inside its own file.

A `.tflite` or `.keras` file carries the card as a member of a zip archive: LiteRT finds its model at the start of a
file and takes no notice of an archive after it, and a `.keras` file is an archive. A SavedModel, a folder, carries it
among its extra assets.
"""

import json
import zipfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from plb_ablate.core.errors import ModelError
from plb_ablate.features.coefficients import FeatureSettings

__all__ = ["CARD", "ModelCard", "read_card", "write_card"]

CARD = "plb_ablate.json"
"""Name of the card in an archive or a folder of assets."""

_EXTRA = "assets.extra"
_DATE = (1980, 1, 1, 0, 0, 0)
"""A fixed date, so that equal models are equal files."""


@dataclass(frozen=True)
class ModelCard:
    """What someone needs to use a model, and where it comes from.

    Parameters
    ----------
    classes : tuple of str
        Emotions in the order of the model's outputs.
    features : FeatureSettings
        What the model's inputs are computed with.
    precision : str
        ``float32``, ``float16`` or ``int8``.
    source : dict
        Run, dataset, ablation, protocol, fold, seed and score of the training.
    """

    classes: tuple[str, ...]
    features: FeatureSettings
    precision: str
    source: dict[str, Any]

    def to_json(self) -> str:
        """The card as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Read a card.

        Raises
        ------
        ValueError
            If this is not one.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or set(values) != {field.name for field in fields(cls)}:
            raise ValueError("not a card of this version")
        features = FeatureSettings(**values["features"])
        return cls(tuple(values["classes"]), features, values["precision"], values["source"])


def write_card(model: Path, card: ModelCard) -> None:
    """Put `card` into a model: a ``.tflite`` or ``.keras`` file, or the folder of a SavedModel."""
    if model.is_dir():
        (model / _EXTRA).mkdir(exist_ok=True)
        (model / _EXTRA / CARD).write_text(card.to_json(), encoding="utf-8")
        return
    with zipfile.ZipFile(model, "a") as archive:
        archive.writestr(zipfile.ZipInfo(CARD, _DATE), card.to_json())


def read_card(model: Path) -> ModelCard:
    """Read the card of a model that `write_card` gave one.

    Raises
    ------
    ModelError
        If the model is not there, or has no card.
    """
    if not model.exists():
        raise ModelError(f"model={model} is not there. Name a file that `python -m plb_ablate.export` wrote.")
    try:
        if model.is_dir():
            return ModelCard.from_json((model / _EXTRA / CARD).read_text(encoding="utf-8"))
        with zipfile.ZipFile(model) as archive:
            return ModelCard.from_json(archive.read(CARD).decode("utf-8"))
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"model={model} does not say which emotions it tells apart ({error}). "
            "Use a file that `python -m plb_ablate.export` wrote."
        ) from None
