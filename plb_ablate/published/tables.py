"""The published tables and fold scores, which are part of the package, and our comparisons of the fold scores.

Source: the project page and the released experiments of *A Light-weight Model for Speech Emotion Recognition based on
Pattern Learning Block* (``published/data/README.md`` names the source of each file). Tables are in percent with two
decimals, as printed; fold scores are fractions, as everywhere else in this package.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from plb_ablate.config.protocol import Protocol
from plb_ablate.core.errors import ConfigError, PairingError
from plb_ablate.data.registry import READERS
from plb_ablate.statistics.comparison import Comparison, compare
from plb_ablate.statistics.equivalence import ROPE
from plb_ablate.statistics.paired_test import FoldScore
from plb_ablate.statistics.race import Race, hold_race
from plb_ablate.statistics.race_standing import RacePlan

__all__ = [
    "DATASETS",
    "N_SPLITS",
    "RANDOM_STATE",
    "REMOVALS",
    "SOURCE",
    "UTTERANCES",
    "PublishedMemory",
    "PublishedRow",
    "compare_published",
    "delta",
    "fold_scores",
    "folds_kept",
    "inference_times",
    "memory",
    "params",
    "race_published",
    "read_rows",
    "table",
]

SOURCE = (
    "A Light-weight Model for Speech Emotion Recognition based on Pattern Learning Block: project page, experiments"
)
"""Source of all numbers."""

DATASETS = ("emodb", "ravdess", "iemocap")
"""The datasets of the page, in the same order."""

REMOVALS = ("dwscnn", "cbam", "spa_published", "sa", "routing")
"""The rows of each table below the proposed model, in order; `spa_published` is the row that the page calls Spa."""

UTTERANCES = {name: READERS[name].REFERENCE_COUNTS.utterances for name in DATASETS}
"""Number of recordings in the published folds."""

N_SPLITS = Protocol.n_splits
"""Number of published folds."""

RANDOM_STATE = Protocol.random_state
"""Seed of the published folds; also used in place of the unknown seed of the published trainings."""


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table; WA in percent."""

    ablation: str
    params: int
    max_wa: float
    min_wa: float
    avg_wa: float

    @property
    def wa(self) -> tuple[float, float, float]:
        """The three WA columns, in the order of the table."""
        return self.max_wa, self.min_wa, self.avg_wa


@dataclass(frozen=True)
class PublishedMemory:
    """The published memory table: parameters as printed, peak GPU memory in GB, size of the saved weights in MB."""

    params: str
    peak_gb: float
    size_mb: float


@cache
def read_rows(name: str) -> tuple[dict[str, str], ...]:
    """Read a file of ``published/data/``; return its rows as text by column."""
    text = resources.files("plb_ablate").joinpath("published", "data", f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _known(dataset: str) -> str:
    if dataset not in DATASETS:
        raise ConfigError(f"dataset={dataset} is not in the published study. It used {', '.join(DATASETS)}.")
    return dataset


def table(dataset: str) -> dict[str, PublishedRow]:
    """Return the published table of a dataset: ablation to row, in order, the proposed model (``none``) first.

    Raises
    ------
    ConfigError
        If the study did not use `dataset`.
    """
    return {
        row["ablation"]: PublishedRow(
            row["ablation"], int(row["params"]), float(row["max_wa"]), float(row["min_wa"]), float(row["avg_wa"])
        )
        for row in read_rows("tables")
        if row["dataset"] == _known(dataset)
    }


def delta(dataset: str) -> tuple[float, float, float]:
    """Return the printed Δ row (max, min, mean WA) of a dataset's table, in points."""
    (row,) = (row for row in read_rows("deltas") if row["dataset"] == _known(dataset))
    return float(row["max_wa"]), float(row["min_wa"]), float(row["avg_wa"])


def params(dataset: str, ablation: str) -> int | None:
    """Return the published parameter count; None if the page has no such row."""
    row = table(dataset).get(ablation)
    return row.params if row else None


def folds_kept(dataset: str) -> tuple[str, ...]:
    """Return the variants whose published fold scores were kept; for IEMOCAP only the proposed model."""
    return tuple(dict.fromkeys(row["ablation"] for row in read_rows("folds") if row["dataset"] == _known(dataset)))


def fold_scores(dataset: str, ablation: str) -> NDArray[np.float64]:
    """Return the published scores by fold, fractions of shape (10,).

    Each is the mean of batch accuracies on the test fold, at the best epoch. ``backward_only`` is the released
    single-stream experiment, which applies the capsule gate once more than the ablation of this name.

    Raises
    ------
    ConfigError
        If the study did not use `dataset`.
    PairingError
        If these folds were not kept.
    """
    kept = folds_kept(dataset)
    if ablation not in kept:
        raise PairingError(f"The published folds of {dataset} {ablation} were not kept. Kept: {', '.join(kept)}.")
    cells = [row for row in read_rows("folds") if (row["dataset"], row["ablation"]) == (dataset, ablation)]
    return np.array([float(row["wa_percent"]) for row in sorted(cells, key=lambda row: int(row["fold"]))]) / 100


def inference_times() -> dict[str, dict[str, float]]:
    """Return the published seconds per utterance at batch size 1: hardware to dataset to time."""
    return {row["hardware"]: {dataset: float(row[dataset]) for dataset in DATASETS} for row in read_rows("inference")}


def memory() -> PublishedMemory:
    """Return the published memory table, which has only the proposed model."""
    (row,) = read_rows("memory")
    return PublishedMemory(row["params"], float(row["peak_gb"]), float(row["size_mb"]))


def compare_published(
    dataset: str, ablations: tuple[str, ...] = REMOVALS, *, rope: float = ROPE
) -> dict[str, Comparison]:
    """Compare the published fold scores with the proposed model's.

    Parameters
    ----------
    dataset : str
        One of `DATASETS`.
    ablations : tuple of str
        Variants to compare, over which Holm's correction is done; those whose folds were not kept are left out.
    rope : float
        Half-width of the region of practical equivalence.

    Returns
    -------
    dict of str to Comparison
        Empty for IEMOCAP: no folds of its removals were kept, so its claims cannot be tested.
    """
    variants = _cells(dataset, ablations)
    return compare(variants.pop("none"), variants, rope=rope)


def race_published(dataset: str, ablations: tuple[str, ...] = REMOVALS) -> Race:
    """Hold a race over the published folds, in their order: what it would have decided, and after how many folds.

    Variants whose folds were not kept do not take part.
    """
    variants = _cells(dataset, ablations)
    reference = variants.pop("none")
    return hold_race(RacePlan(tuple(variants), tuple(reference)), reference, variants)


def _cells(dataset: str, ablations: tuple[str, ...]) -> dict[str, dict[tuple[int, int], FoldScore]]:
    """Return the published scores by (seed, fold) of the proposed model and of the variants that were kept."""
    kept = folds_kept(dataset)
    test = [UTTERANCES[dataset] // N_SPLITS + (fold < UTTERANCES[dataset] % N_SPLITS) for fold in range(N_SPLITS)]
    return {
        name: {
            (RANDOM_STATE, fold): FoldScore(float(score), UTTERANCES[dataset] - test[fold], test[fold])
            for fold, score in enumerate(fold_scores(dataset, name))
        }
        for name in ("none", *ablations)
        if name in kept
    }
