"""Summaries of fold scores as in the published tables."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from plb_ablate.core.errors import PairingError
from plb_ablate.statistics.paired_test import finite_values

__all__ = ["Summary", "delta_row", "wa_summary"]


@dataclass(frozen=True)
class Summary:
    """Largest, smallest and mean score, and the standard deviation with ``ddof=1`` (NaN for a single score)."""

    max: float
    min: float
    mean: float
    std: float


def wa_summary(scores: ArrayLike) -> Summary:
    """Summarise fold scores, shape (n,), as the published tables do, and their standard deviation.

    Raises
    ------
    PairingError
        If there is no score, or one is not finite.
    """
    values = finite_values(scores, "scores")
    if not values.size:
        raise PairingError("There are no scores to summarise.")
    std = float(np.std(values, ddof=1)) if values.size > 1 else math.nan
    return Summary(float(values.max()), float(values.min()), float(values.mean()), std)


def delta_row(proposed: Sequence[float], others: Iterable[Sequence[float]]) -> tuple[float, ...]:
    """Apply the published Δ rule: the proposed row minus the best (largest) other row, for each column."""
    return tuple(mine - max(column) for mine, *column in zip(proposed, *others, strict=True))
