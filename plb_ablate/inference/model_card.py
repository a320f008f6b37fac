"""The model card: metadata stored inside the file of an exported model.

In a ``.tflite`` or ``.keras`` file the card is a member of a zip archive: LiteRT reads its model from the start of a
file and ignores an archive appended to it, and a ``.keras`` file is a zip archive itself. In a SavedModel, which is a
folder, the card is one of the extra assets.
"""

import json
import zipfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from plb_ablate.config.features import FeatureSettings
from plb_ablate.core.errors import ConfigError, ModelError

__all__ = ["CARD", "ModelCard", "read_card", "write_card"]

CARD = "plb_ablate.json"
"""File name of the card in the archive or in the assets folder."""

_EXTRA = "assets.extra"
_DATE = (1980, 1, 1, 0, 0, 0)
"""A fixed date, so that equal models give byte-identical files."""


@dataclass(frozen=True)
class ModelCard:
    """What is needed to use a model, and its origin.

    Parameters
    ----------
    classes : tuple of str
        Emotions in the order of the outputs of the model.
    features : FeatureSettings
        Settings with which the inputs of the model are computed; MFCCs in the published frames where an older card does
        not say it.
    precision : str
        ``float32``, ``float16`` or ``int8``.
    source : dict
        Run, dataset, ablation, protocol, fold, seed and score of the training that created it.
    """

    classes: tuple[str, ...]
    features: FeatureSettings
    precision: str
    source: dict[str, Any]

    def to_json(self) -> str:
        """Return the card as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Parse a card.

        Raises
        ------
        ValueError
            If `text` is not a card of this version.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or set(values) != {field.name for field in fields(cls)}:
            raise ValueError("not a card of this version")
        features = FeatureSettings(**values["features"])
        return cls(tuple(values["classes"]), features, values["precision"], values["source"])


def write_card(model: Path, card: ModelCard) -> None:
    """Store `card` in a model: a ``.tflite`` or ``.keras`` file, or the folder of a SavedModel."""
    if model.is_dir():
        (model / _EXTRA).mkdir(exist_ok=True)
        (model / _EXTRA / CARD).write_text(card.to_json(), encoding="utf-8")
        return
    with zipfile.ZipFile(model, "a") as archive:
        archive.writestr(zipfile.ZipInfo(CARD, _DATE), card.to_json())


def read_card(model: Path) -> ModelCard:
    """Read the card that `write_card` stored in a model.

    Raises
    ------
    ModelError
        If the model does not exist or has no valid card.
    """
    if not model.exists():
        raise ModelError(f"model={model} does not exist. Pass a file written by `python -m plb_ablate.export`.")
    try:
        if model.is_dir():
            return ModelCard.from_json((model / _EXTRA / CARD).read_text(encoding="utf-8"))
        with zipfile.ZipFile(model) as archive:
            return ModelCard.from_json(archive.read(CARD).decode("utf-8"))
    except (OSError, KeyError, ValueError, TypeError, ConfigError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"model={model} has no valid model card ({error}). Use a file written by `python -m plb_ablate.export`."
        ) from None
