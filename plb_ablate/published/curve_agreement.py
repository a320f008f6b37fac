"""Whether trainings run as the published ones do: their learning curves against those of the ten published folds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from plb_ablate.published.curves import CURVES, Values, published_curve, rerun_curve

__all__ = [
    "FEWEST_FOLDS",
    "JUDGED_CURVE",
    "JUDGED_EPOCHS",
    "LEVEL",
    "Agreement",
    "History",
    "JudgedEpoch",
    "band",
    "compare_curves",
    "our_values",
]

History = Mapping[str, Sequence[float]]
"""Curves of one fold: name to its value after every epoch."""

JUDGED_CURVE = "train/batch_loss"
"""The curve that decides: test scores of some 50 utterances say less about how a network trains."""

JUDGED_EPOCHS = (5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 150, 200, 250, 300)
"""Epochs (from 1) at which it decides, as far as a training reaches; neighbouring epochs tell nearly the same."""

LEVEL = 0.95
"""Chance of an equal training to lie inside the band: at one epoch, and at all judged epochs together."""

FEWEST_FOLDS = 3
"""Folds without which no agreement is claimed: the band of fewer is too wide to notice another network."""


@dataclass(frozen=True)
class JudgedEpoch:
    """One epoch that decides: means over folds of the training loss, and the band.

    Parameters
    ----------
    epoch : int
        From 1.
    ours, published : float
    half : float
        Half-width of the band of all judged epochs together, around `published`.
    errors : float
        Difference in standard errors of both means together; nan of a single fold.
    far : bool
        Whether ours lies outside of the band, and of the re-run's where there is one.
    """

    epoch: int
    ours: float
    published: float
    half: float
    errors: float
    far: bool


@dataclass(frozen=True)
class Agreement:
    """Whether a variant trains like the published one.

    Parameters
    ----------
    ablation : str
    folds, epochs : int
        Of ours.
    outside : mapping of str to tuple of int
        Curve to the epochs at which our mean lies outside of the band of that epoch alone.
    compared : mapping of str to int
        Curve to the number of epochs that both have.
    judged : tuple of JudgedEpoch
        The epochs that decide.
    trains_alike : bool or None
        None where it is not decidable.
    reason : str
        Why, in words.
    """

    ablation: str
    folds: int
    epochs: int
    outside: Mapping[str, tuple[int, ...]]
    compared: Mapping[str, int]
    judged: tuple[JudgedEpoch, ...]
    trains_alike: bool | None
    reason: str

    @property
    def answer(self) -> str:
        """``yes``, ``no`` or ``not decidable``."""
        return "not decidable" if self.trains_alike is None else "yes" if self.trains_alike else "no"


def band(values: Values, folds: int, level: float = LEVEL, *, spread: Values | None = None) -> tuple[Values, Values]:
    """Give the prediction interval for the mean of further folds of the same training.

    Parameters
    ----------
    values : float (n, k)
        Folds that are known, at k epochs.
    folds : int
        Further folds of which the mean is taken.
    level : float
        Chance that it lies inside, at each epoch.
    spread : float (10, k), optional
        Folds from which the spread is taken where `values` has a single one.

    Returns
    -------
    mean, half : float (k,)
        The interval is ``mean ± half`` with ``half = t s sqrt(1/n + 1/folds)``: t of Student's distribution with the
        degrees of freedom of the spread ``s``. Folds are taken to be independent, though they share training data.

    References
    ----------
    Hahn and Meeker, Statistical Intervals, Wiley 1991, section 4.7 (the mean of a future sample).
    """
    known = values if spread is None else spread
    quantile = stats.t.ppf((1 + level) / 2, len(known) - 1)
    return values.mean(axis=0), quantile * known.std(axis=0, ddof=1) * math.sqrt(1 / len(values) + 1 / folds)


def compare_curves(dataset: str, ablation: str, histories: Sequence[History], departs: Sequence[str] = ()) -> Agreement:
    """Hold trainings of the published folds against the published ones.

    Parameters
    ----------
    dataset, ablation : str
    histories : sequence of mapping of str to sequence of float
        One a fold: curve to its value after every epoch.
    departs : sequence of str
        What makes the trainings another experiment; then nothing is decided.

    Raises
    ------
    PairingError
        If no curve of this variant was published.
    """
    outside: dict[str, tuple[int, ...]] = {}
    compared: dict[str, int] = {}
    for name in CURVES:
        curve = published_curve(dataset, ablation, name)
        epochs = [int(epoch) for epoch in curve.epochs if epoch <= _reached(histories, name)]
        outside[name] = tuple(sorted(_outside(curve.at(epochs), histories, name, epochs, LEVEL)))
        compared[name] = len(epochs)
    judged = _judged(dataset, ablation, histories)
    alike, reason = _verdict(len(histories), judged, departs)
    reached = _reached(histories, JUDGED_CURVE)
    return Agreement(ablation, len(histories), reached, outside, compared, judged, alike, reason)


def our_values(histories: Sequence[History], name: str, epochs: Sequence[int]) -> Values:
    """Give a curve at some epochs (from 1), float (folds, epochs)."""
    return np.array([[history[name][epoch - 1] for epoch in epochs] for history in histories], dtype=np.float64)


def _reached(histories: Sequence[History], name: str) -> int:
    """Epochs for which every fold has a curve."""
    return min((len(history.get(name, ())) for history in histories), default=0)


def _judged(dataset: str, ablation: str, histories: Sequence[History]) -> tuple[JudgedEpoch, ...]:
    epochs = [epoch for epoch in JUDGED_EPOCHS if epoch <= _reached(histories, JUDGED_CURVE)]
    if not epochs:
        return ()
    published = published_curve(dataset, ablation, JUDGED_CURVE)
    level = 1 - (1 - LEVEL) / len(epochs)
    far = _outside(published.at(epochs), histories, JUDGED_CURVE, epochs, level)
    if rerun := rerun_curve(dataset, ablation, JUDGED_CURVE):
        known = [epoch for epoch in epochs if epoch in rerun.epochs]
        spread = published.at(known)
        far -= set(known) - _outside(rerun.at(known), histories, JUDGED_CURVE, known, level, spread)
    theirs, ours = published.at(epochs), our_values(histories, JUDGED_CURVE, epochs)
    mean, half = band(theirs, len(ours), level)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = theirs.var(axis=0, ddof=1) / len(theirs)
        variance = variance + (ours.var(axis=0, ddof=1) / len(ours) if len(ours) > 1 else math.nan)
        errors = (ours.mean(axis=0) - mean) / np.sqrt(variance)
    numbers = zip(epochs, ours.mean(axis=0), mean, half, errors, strict=True)
    return tuple(
        JudgedEpoch(epoch, float(our), float(their), float(wide), float(distance), epoch in far)
        for epoch, our, their, wide, distance in numbers
    )


def _outside(
    values: Values,
    histories: Sequence[History],
    name: str,
    epochs: Sequence[int],
    level: float,
    spread: Values | None = None,
) -> set[int]:
    """Epochs at which our mean lies outside of the band; one that is not finite does."""
    if not epochs:
        return set()
    mean, half = band(values, len(histories), level, spread=spread)
    distance = np.abs(our_values(histories, name, epochs).mean(axis=0) - mean)
    return {epoch for epoch, inside in zip(epochs, distance <= half, strict=True) if not inside}


def _verdict(folds: int, judged: Sequence[JudgedEpoch], departs: Sequence[str]) -> tuple[bool | None, str]:
    if departs:
        return None, f"this is not the published training: {', '.join(departs)}"
    if not judged:
        return None, f"no training loss by batches is stored for {JUDGED_EPOCHS[0]} or more epochs"
    at, far = (", ".join(str(j.epoch) for j in judged if j.far or not only_far) for only_far in (False, True))
    if far:
        return False, f"training loss outside the band at epoch {far} of {at}"
    if folds < FEWEST_FOLDS:
        return None, f"training loss inside the band, but only {folds} of at least {FEWEST_FOLDS} folds"
    return True, f"training loss inside the band at epochs {at}"
