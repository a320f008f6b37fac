"""What the trainings of one variant said of every utterance of a corpus, and how two variants differ in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plb_ablate.core.errors import PairingError
from plb_ablate.statistics.paired_test import Floats

__all__ = ["Answers", "belong_together", "differences", "discordant", "pooled_ua", "require_pairs"]


@dataclass(frozen=True, eq=False)
class Answers:
    """Predictions of one variant: every utterance is tested once a seed.

    Parameters
    ----------
    labels : int (n,)
        True class of each utterance.
    predicted : int (seeds, n)
        Predicted classes.
    folds : int (n,)
        Fold in which each utterance is tested.
    speakers : str (n,), optional
        Speaker of each utterance; None if the corpus does not name them.
    """

    labels: NDArray[np.integer[Any]]
    predicted: NDArray[np.integer[Any]]
    folds: NDArray[np.integer[Any]]
    speakers: NDArray[Any] | None = None

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each prediction is right, bool (seeds, n)."""
        return self.predicted == self.labels

    @property
    def clusters(self) -> NDArray[Any] | None:
        """Speakers if there are several, whose utterances are then not independent; None otherwise."""
        return None if self.speakers is None or len(set(self.speakers.tolist())) < 2 else self.speakers

    @property
    def n_speakers(self) -> int:
        """Number of speakers; 0 if they are unknown."""
        return 0 if self.speakers is None else len(set(self.speakers.tolist()))

    def take(self, utterances: Sequence[int] | NDArray[Any]) -> "Answers":
        """Return the answers for some of the utterances, given by their indices."""
        speakers = None if self.speakers is None else self.speakers[utterances]
        return Answers(self.labels[utterances], self.predicted[:, utterances], self.folds[utterances], speakers)


def belong_together(one: Answers, other: Answers) -> bool:
    """Whether two variants were asked about the same utterances, with the same seeds and folds."""
    pairs = ((one.labels, other.labels), (one.folds, other.folds))
    return one.predicted.shape == other.predicted.shape and all(np.array_equal(a, b) for a, b in pairs)


def require_pairs(reference: Answers, variant: Answers) -> None:
    """Check that two variants belong together (`belong_together`), and were asked about anything.

    Raises
    ------
    PairingError
        If they were not.
    """
    if not belong_together(reference, variant) or not reference.labels.size:
        raise PairingError(
            f"The predictions cannot be paired: {reference.predicted.shape} and {variant.predicted.shape} (seeds, "
            "utterances), or other labels or folds. Train both variants with the same seeds on the same corpus."
        )


def differences(reference: Answers, variant: Answers) -> Floats:
    """Return, for each utterance, the share of seeds that are right with the module minus the share without.

    Parameters
    ----------
    reference, variant : Answers
        With and without the module.

    Returns
    -------
    float64 (n,)
        In [-1, 1].

    Raises
    ------
    PairingError
        If the two do not belong together.
    """
    require_pairs(reference, variant)
    return np.asarray(reference.correct.mean(axis=0) - variant.correct.mean(axis=0), dtype=np.float64).round(12)


def pooled_ua(answers: Answers) -> float:
    """Return the UA (mean recall) of all test predictions of a seed together, averaged over seeds."""
    recalls = [answers.correct[:, answers.labels == label].mean(axis=1) for label in np.unique(answers.labels)]
    return float(np.mean(recalls))


def discordant(d: Floats) -> tuple[int, int]:
    """Return the number of utterances that are right more often with the module, and of those more often without."""
    return int((d > 0).sum()), int((d < 0).sum())
