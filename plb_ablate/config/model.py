"""Which model is trained: a family of the package, or a user's own file."""

from dataclasses import dataclass
from typing import Any

from plb_ablate.core.paths import expand_path
from plb_ablate.models.family import ModelFamily
from plb_ablate.models.registry import find_family, model_settings

__all__ = ["Model"]


@dataclass
class Model:
    """The model family.

    Parameters
    ----------
    name : str
        ``plb`` (the published network), ``light_sernet``, or ``file``.
    file : str, optional
        For ``file``: a Python file with ``MODULES`` and ``build_model`` (docs/models.md). Its content is part of the id
        of a result.
    """

    name: str = "plb"
    file: str | None = None

    def __post_init__(self) -> None:
        self.file = expand_path(self.file, "model.file") if self.file else None

    @property
    def family(self) -> ModelFamily:
        """The family that the settings name; a user's file is read, not run.

        Raises
        ------
        ConfigError
            If there is no such family, or the file does not define one.
        """
        return find_family(self.name, self.file)

    @property
    def identity(self) -> dict[str, Any]:
        """What identifies the model in a cell."""
        return model_settings(self.name, self.file)
