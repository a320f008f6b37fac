"""Scores of predictions, all as fractions in [0, 1]."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["PUBLISHED_BATCH", "SCORES", "published_score", "score_predictions", "wa"]

Labels = NDArray[np.integer]

SCORES = ("score", "wa", "ua", "macro_f1")
"""Names of the scores: the published score (mean of batch accuracies), weighted accuracy (over utterances), unweighted
accuracy (mean recall), macro-averaged F1."""

PUBLISHED_BATCH = 32
"""Batch size of the published evaluation, which its score depends on."""


def published_score(labels: Labels, predicted: Labels, batch_size: int = PUBLISHED_BATCH) -> float:
    """Score a fold as the published study did: the plain mean over batches of each batch's accuracy.

    A short last batch weighs as much as a full one, so this is not weighted accuracy (see `wa`).

    Parameters
    ----------
    labels, predicted : int (n,)
        In the order of evaluation.
    batch_size : int
        Utterances in a batch.

    Returns
    -------
    float
    """
    hits = labels == predicted
    return float(np.mean([hits[start : start + batch_size].mean() for start in range(0, len(hits), batch_size)]))


def wa(labels: Labels, predicted: Labels) -> float:
    """Weighted accuracy (WA): the share of utterances that are recognised."""
    return float(np.mean(labels == predicted))


def score_predictions(labels: Labels, predicted: Labels) -> dict[str, float]:
    """Give every score of `SCORES`.

    Parameters
    ----------
    labels, predicted : int (n,)

    Returns
    -------
    dict of str to float
        ``ua`` (unweighted accuracy, the mean recall) and ``macro_f1`` average over the classes that `labels` holds.
    """
    from sklearn.metrics import f1_score, recall_score  # here, for those who need the names alone

    present = np.unique(labels)
    return {
        "score": published_score(labels, predicted),
        "wa": wa(labels, predicted),
        "ua": float(recall_score(labels, predicted, labels=present, average="macro", zero_division=0.0)),
        "macro_f1": float(f1_score(labels, predicted, labels=present, average="macro", zero_division=0.0)),
    }
