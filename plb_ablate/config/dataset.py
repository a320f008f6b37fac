"""Settings of the recordings: a corpus of the package by its name, or one's own as a table or as folders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plb_ablate.core.errors import ConfigError
from plb_ablate.core.paths import expand_path

__all__ = ["OWN", "Dataset"]

MISSING: Any = "???"
"""OmegaConf's mark of a setting that must be given; this file is also read where OmegaConf is not installed."""

OWN = ("manifest", "folders")
"""Readers of corpora that the package does not know: a table of recordings, and a folder for each label."""

_USERS: dict[str, tuple[str, ...]] = {
    "file": ("manifest",),
    "classes": OWN,
    "ignore_other_labels": OWN,
    "speaker_pattern": ("folders",),
}
"""The readers that use a setting."""


@dataclass
class Dataset:
    r"""The recordings to use.

    Parameters
    ----------
    name : str
        ``emodb``, ``ravdess``, ``iemocap`` or ``synthetic``; for an own corpus any other name, by default that of its
        table or folder.
    root : str
        Folder of the corpus, as distributed or as it is commonly unpacked; for ``dataset=manifest`` the folder at which
        relative paths of the table start, by default that of the table.
    complete : bool
        Whether a corpus that lacks published utterances is an error; otherwise the part that is there is used, with a
        warning.
    reader : str
        ``manifest`` or ``folders`` for an own corpus; empty for a corpus of the package.
    file : str, optional
        For ``dataset=manifest``: the table (.csv, .tsv or .parquet) with the columns ``path`` and ``label``, or
        ``file`` and ``emotion``; ``speaker``, ``session``, ``gender`` and ``fold`` where they are known.
    classes : mapping or list, optional
        Class to the labels that form it, such as ``{happy:[hap,exc],sad:[sad]}``, or labels that are classes of their
        own, ``[happy,sad]``; in this order. Null makes each label a class, sorted. Own corpora only.
    ignore_other_labels : bool
        Whether recordings whose label is not in `classes` are left out; otherwise they are an error.
    speaker_pattern : str, optional
        For ``dataset=folders``: regular expression whose group is the speaker, searched in the path below the folder of
        a label, such as ``(\d+)_``.

    Raises
    ------
    ConfigError
        If a setting is missing, contradicts another one or has an invalid value.
    """

    name: str = MISSING
    root: str = MISSING
    complete: bool = False
    reader: str = ""
    file: str | None = None
    classes: Any = None  # Hydra adds no keys to a typed mapping
    ignore_other_labels: bool = False
    speaker_pattern: str | None = None

    def __post_init__(self) -> None:
        self.root = expand_path(self.root, "dataset.root")
        if self.reader not in ("", *OWN):
            raise ConfigError(f"dataset.reader={self.reader} is unknown. Use {' or '.join(OWN)}, or leave it empty.")
        self._refuse_without_effect()
        if self.reader == "manifest":
            if not self.file:
                raise ConfigError(
                    "dataset=manifest needs a table: dataset.file=my.csv, with the columns path and label."
                )
            self.file = expand_path(self.file, "dataset.file")
            self.root = self.root or str(Path(self.file).parent)
            self._settle_name(Path(self.file).stem)
        if self.reader == "folders":
            if not self.root:
                raise ConfigError("dataset=folders needs dataset.root=<folder that contains a folder for each label>.")
            self._settle_name(Path(self.root).resolve().name)
        if self.classes is not None:
            self.classes = _settled_classes(self.classes)
        if self.speaker_pattern is not None:
            _check_pattern(self.speaker_pattern)

    def _refuse_without_effect(self) -> None:
        """Refuse settings that the reader would not use."""
        for key, readers in _USERS.items():
            if getattr(self, key) not in (None, False) and self.reader not in readers:
                here, there = f"dataset={self.reader or self.name}", " and ".join(f"dataset={name}" for name in readers)
                raise ConfigError(f"dataset.{key} has no effect with {here}: it belongs to {there}.")
        if self.ignore_other_labels and self.classes is None:
            raise ConfigError(
                "dataset.ignore_other_labels=true needs dataset.classes, which says which labels are used."
            )
        if self.reader and self.complete:
            raise ConfigError(
                f"dataset.complete=true needs published counts, which dataset={self.reader} has not. Leave it out."
            )

    def _settle_name(self, default: str) -> None:
        self.name = self.name or re.sub(r"[^\w.-]+", "_", default)
        if not re.fullmatch(r"[\w.-]+", self.name):
            raise ConfigError(f"dataset.name={self.name!r} is invalid. Use letters, digits, '_', '-' and '.'.")


def _settled_classes(classes: Any) -> dict[str, list[str]]:
    """Return the labels of each class, as text."""
    if isinstance(classes, list):
        classes = {label: [label] for label in classes}
    if not isinstance(classes, Mapping) or len(classes) < 2:
        raise ConfigError(
            f"dataset.classes={classes} is invalid. Give two or more classes with their labels, as in "
            "'{happy:[hap,exc],sad:[sad]}', or their names, as in '[happy,sad]'."
        )
    settled = {str(name): [str(label) for label in _listed(labels)] for name, labels in classes.items()}
    taken: dict[str, str] = {}
    for name, labels in settled.items():
        if not labels:
            raise ConfigError(
                f"dataset.classes: the class {name} has no labels. Give it one, as in {{{name}:[{name}]}}."
            )
        for label in labels:
            if label in taken:
                raise ConfigError(
                    f"dataset.classes: the label {label!r} is in the classes {taken[label]} and {name}. Give it to one."
                )
            taken[label] = name
    return settled


def _listed(labels: Any) -> list[Any]:
    return labels if isinstance(labels, list) else [labels]


def _check_pattern(pattern: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ConfigError(f"dataset.speaker_pattern={pattern!r} is no regular expression: {error}.") from None
    if groups != 1:
        raise ConfigError(
            f"dataset.speaker_pattern={pattern!r} has {groups} groups. Put the speaker, and nothing else, in "
            r"parentheses, as in '(\d+)_'; '(?:...)' is no group."
        )
