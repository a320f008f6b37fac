"""The published learning curves, carried in the package.

Source: what the released experiments printed after each epoch (``published/data/README.md``). A curve has one row a
fold; training curves are with dropout on, and every value is a plain mean over batches of 32, as the study took it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from plb_ablate.core.errors import PairingError
from plb_ablate.published.tables import DATASETS, read_rows

__all__ = ["CURVES", "Curve", "curves_kept", "curves_known", "published_curve", "rerun_curve"]

Values = NDArray[np.float64]

CURVES = {
    "train/batch_loss": ("train_loss", 1.0),
    "train/batch_accuracy": ("train_accuracy_percent", 100.0),
    "test/score": ("test_score_percent", 100.0),
}
"""Name of each curve in a training's history, its column in the published files, and what that is divided by."""

_ROW_OF = {"routing_undilated": "routing"}
"""Variants that have no row of their own, and the row whose published curves are theirs (docs/reproduction.md)."""


@dataclass(frozen=True)
class Curve:
    """Values after some epochs.

    Parameters
    ----------
    epochs : int (k,)
        From 1.
    values : float (folds, k)
        Losses, or fractions.
    """

    epochs: NDArray[np.int64]
    values: Values

    def at(self, epochs: Sequence[int]) -> Values:
        """Values (folds, n) at some of its epochs."""
        place = {int(epoch): i for i, epoch in enumerate(self.epochs)}
        return self.values[:, [place[epoch] for epoch in epochs]]


def curves_kept(dataset: str) -> tuple[str, ...]:
    """Name the variants whose published learning curves were kept; none of IEMOCAP."""
    return tuple(dict.fromkeys(row["ablation"] for row in read_rows("curves") if row["dataset"] == dataset))


def curves_known(dataset: str) -> tuple[str, ...]:
    """Name the variants that can be compared with published curves: those of `curves_kept`, others of their rows."""
    kept = curves_kept(dataset)
    return (*kept, *(name for name, row in _ROW_OF.items() if row in kept))


@cache
def published_curve(dataset: str, ablation: str, name: str) -> Curve:
    """Give a published learning curve of the ten folds: every epoch to 20, then every tenth to 300.

    Parameters
    ----------
    dataset, ablation : str
    name : str
        One of `CURVES`.

    Raises
    ------
    PairingError
        If it was not kept.
    """
    row = _ROW_OF.get(ablation, ablation)
    if row not in curves_kept(dataset):
        known = {dataset: found for dataset in DATASETS if (found := curves_kept(dataset))}
        raise PairingError(
            f"No learning curve of {dataset} {ablation} was published. There are "
            + "; ".join(f"{dataset}: {', '.join(names)}" for dataset, names in known.items())
            + "."
        )
    return _curve("curves", dataset, row, name)


def rerun_curve(dataset: str, ablation: str, name: str) -> Curve | None:
    """Give the first epochs of the released experiment run again (fold 0 alone), where that was done; else None."""
    if not any((row["dataset"], row["ablation"]) == (dataset, ablation) for row in read_rows("rerun")):
        return None
    return _curve("rerun", dataset, ablation, name)


def _curve(file: str, dataset: str, ablation: str, name: str) -> Curve:
    column, unit = CURVES[name]
    rows = [row for row in read_rows(file) if (row["dataset"], row["ablation"]) == (dataset, ablation)]
    epochs = sorted({int(row["epoch"]) for row in rows})
    folds = sorted({int(row["fold"]) for row in rows})
    values = {(int(row["fold"]), int(row["epoch"])): float(row[column]) / unit for row in rows}
    return Curve(np.array(epochs), np.array([[values[fold, epoch] for epoch in epochs] for fold in folds]))
