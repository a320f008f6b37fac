"""Cells: the units of a study that are trained, stored, skipped, resumed and uploaded.

A cell is one fold of one variant: (corpus content, features, ablation, reverse, protocol, trainer, seed, threads,
fold). Its id is a hash of everything that determines its result.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from plb_ablate.config.features import FeatureSettings
from plb_ablate.config.schema import Config, result_settings
from plb_ablate.core.errors import ConfigError
from plb_ablate.features.dataset import PreparedCorpus
from plb_ablate.models.family import ModelFamily
from plb_ablate.models.registry import family_of_settings
from plb_ablate.splits.folds import Fold, make_folds

__all__ = ["RESULT_VERSION", "Cell", "plan_cells", "same_network_notes"]

RESULT_VERSION = 4
"""Incremented when the same settings produce another result: cells of older versions are then trained again."""


@dataclass(frozen=True)
class Cell:
    """One fold of one variant.

    Parameters
    ----------
    settings : dict
        Everything that determines the result except the fold, as plain values (`result_settings`, the content hash).
    fold : int
        Index of the fold.
    n_folds : int
        Folds that the protocol makes.
    classes : tuple of str
        Class names.
    corpus_file : Path
        File written by `plb_ablate.features.dataset.PreparedCorpus.save`.
    model_file : Path, optional
        Copy of a user's model file.
    study : str, optional
        Study that contains the cell; not part of its identity.
    split : Fold, optional
        The fold itself, which follows from the other arguments; None for a cell that is not to be trained.
    """

    PLACE: ClassVar[frozenset[str]] = frozenset({"fold", "n_folds", "config_hash", "study"})
    """Keys of `description` that are not settings."""

    settings: dict[str, Any]
    fold: int
    n_folds: int
    classes: tuple[str, ...]
    corpus_file: Path
    study: str | None = None
    split: Fold | None = field(default=None, compare=False, repr=False)
    model_file: Path | None = None

    @cached_property
    def id(self) -> str:
        """Hash of the settings, the fold and `RESULT_VERSION`: 20 hexadecimal digits."""
        return _hash(self.settings | {"fold": self.fold, "version": RESULT_VERSION})

    @cached_property
    def config_hash(self) -> str:
        """Hash of the settings that all variants of a study share: all except the ablation and the seed."""
        return _hash({key: value for key, value in self.settings.items() if key not in ("ablation", "seed")})

    @property
    def n_train(self) -> int:
        """Number of training utterances; 0 without a `split`."""
        return len(self.split.train) if self.split else 0

    @property
    def variant(self) -> str:
        """The settings of the network and its training as JSON: equal for all folds and seeds of a variant."""
        kept = {
            key: value for key, value in self.settings.items() if key in ("ablation", "reverse", "trainer", "model")
        }
        return json.dumps(kept, sort_keys=True)

    @property
    def description(self) -> dict[str, Any]:
        """The settings and the place of the cell as plain values, as the ledger and the MLflow store keep them."""
        place = {"fold": self.fold, "n_folds": self.n_folds, "config_hash": self.config_hash, "study": self.study}
        return self.settings | place

    @property
    def label(self) -> str:
        """Short description for people, for example ``ravdess cbam+sa seed 42 fold 3``."""
        settings = self.settings
        features = f" {FeatureSettings(**settings['features']).label}" if "features" in settings else ""
        return f"{settings['dataset']}{features} {settings['ablation']} seed {settings['seed']} fold {self.fold}"


def plan_cells(
    config: Config, prepared: PreparedCorpus, corpus_file: Path, model_file: Path | None = None
) -> list[Cell]:
    """List the cells of one configuration: every fold of its protocol, or only the fold given by ``fold=``.

    Raises
    ------
    ProtocolError
        If the folds cannot be made from this corpus.
    ConfigError
        If the fold does not exist.
    """
    folds = make_folds(prepared.corpus, config.protocol)
    settings = result_settings(config) | {"content": prepared.content}
    return [
        Cell(
            settings,
            fold.index,
            len(folds),
            prepared.corpus.classes,
            corpus_file,
            config.study,
            fold,
            model_file,
        )
        for fold in _wanted(folds, config.fold)
    ]


def same_network_notes(cells: Collection[Cell]) -> list[str]:
    """Return a sentence for each other name of the networks of cells (`ModelFamily.same_network_notes`)."""
    names: dict[ModelFamily, list[str]] = {}
    for cell in cells:
        names.setdefault(family_of_settings(cell.settings), []).append(cell.settings["ablation"])
    return [note for family, ablations in names.items() for note in family.same_network_notes(ablations)]


def _wanted(folds: list[Fold], index: int | None) -> list[Fold]:
    if index is None:
        return folds
    if not 0 <= index < len(folds):
        raise ConfigError(
            f"fold={index} does not exist: this protocol has folds 0 to {len(folds) - 1}; fold=null means all of them."
        )
    return [folds[index]]


def _hash(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:20]
