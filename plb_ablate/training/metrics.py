"""Scores of predictions, all as fractions in [0, 1]."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["PREDICTED_CLASSES", "PUBLISHED_BATCH", "SCORES", "is_flat", "published_score", "score_predictions", "wa"]

Labels = NDArray[np.integer]

SCORES = ("score", "wa", "ua", "macro_f1")
"""Names of the scores: published score (mean of batch accuracies), weighted accuracy (over utterances), unweighted
accuracy (mean recall) and macro-averaged F1."""

PREDICTED_CLASSES = "predicted_classes"
"""Name of the number of classes that a model predicts for at least one test utterance, kept beside the scores."""

PUBLISHED_BATCH = 32
"""Batch size of the published evaluation, on which its score depends."""


def published_score(labels: Labels, predicted: Labels, batch_size: int = PUBLISHED_BATCH) -> float:
    """Compute the score of the published study: the unweighted mean of the accuracies of the batches.

    A short last batch has the same weight as a full one, so this is not the weighted accuracy (see `wa`).

    Parameters
    ----------
    labels, predicted : int (n,)
        In the order of evaluation.
    batch_size : int
        Utterances per batch.

    Returns
    -------
    float
    """
    hits = labels == predicted
    return float(np.mean([hits[start : start + batch_size].mean() for start in range(0, len(hits), batch_size)]))


def wa(labels: Labels, predicted: Labels) -> float:
    """Weighted accuracy (WA): the fraction of utterances classified correctly."""
    return float(np.mean(labels == predicted))


def is_flat(scores: Mapping[str, float]) -> bool:
    """Whether scores are those of a model that predicts one class for every utterance, although there are several."""
    return scores.get(PREDICTED_CLASSES) == 1 and scores["wa"] < 1


def score_predictions(labels: Labels, predicted: Labels) -> dict[str, float]:
    """Compute all scores of `SCORES`, and `PREDICTED_CLASSES`.

    Parameters
    ----------
    labels, predicted : int (n,)

    Returns
    -------
    dict of str to float
        ``ua`` (unweighted accuracy, the mean recall) and ``macro_f1`` are averages over the classes in `labels`.

    Notes
    -----
    Equal, bit for bit, to scikit-learn's ``recall_score`` and ``f1_score``, whose import takes 130 MB of each worker.
    """
    present = np.unique(labels)[:, None]
    true, named = (labels == present).sum(axis=1), (predicted == present).sum(axis=1)
    hits = ((labels == present) & (predicted == present)).sum(axis=1)
    return {
        "score": published_score(labels, predicted),
        "wa": wa(labels, predicted),
        "ua": float(np.mean(hits / true)),
        "macro_f1": float(np.mean(2 * hits / (true + named))),
        PREDICTED_CLASSES: len(np.unique(predicted)),
    }
