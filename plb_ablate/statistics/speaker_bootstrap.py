"""The difference in macro-F1 of trained networks, by a bootstrap over speakers.

Macro-F1 is no mean over utterances, so that its standard error is estimated by drawing speakers again.

References
----------
B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 6.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from plb_ablate.statistics.answers import Answers, require_pairs
from plb_ablate.statistics.paired_test import Floats
from plb_ablate.statistics.population_test import PopulationTest, population_test

__all__ = ["RESAMPLES", "macro_f1_test"]

Units = NDArray[np.integer[Any]]

RESAMPLES = 2_000
"""Number of samples of the bootstrap."""

_SEED = 2020
_BATCH = 100
"""Resamples that are computed at a time."""


def macro_f1_test(reference: Answers, variant: Answers) -> PopulationTest:
    """Test the difference in macro-F1 against zero: speakers are drawn again, or utterances if speakers are unknown.

    The difference is that of all predictions of a seed together, averaged over seeds. The standard error is that of the
    bootstrap, corrected for the number of speakers G by sqrt(G / (G - 1)); interval and p-value are those of a Student
    distribution with G - 1 degrees of freedom. With few differing utterances the error of UA is the least.

    Raises
    ------
    PairingError
        If the two do not belong together.
    """
    require_pairs(reference, variant)
    clusters = reference.clusters
    units = np.arange(len(reference.labels)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    counts = [_counts(answers, units) for answers in (reference, variant)]
    n_units = len(counts[0])

    def delta(drawn: Units, axis: int = -1) -> Floats:
        weights = np.apply_along_axis(np.bincount, axis, drawn, minlength=n_units)
        with_module, without = (_macro_f1(np.tensordot(weights, each, 1)) for each in counts)
        return with_module - without

    drawn = stats.bootstrap(
        (np.arange(n_units),), delta, n_resamples=RESAMPLES, batch=_BATCH, method="percentile", rng=_SEED
    )
    ua = population_test(reference, variant, "ua")
    mean = float(delta(np.arange(n_units)[None])[0])
    se = float(drawn.standard_error) * math.sqrt(n_units / (n_units - 1))
    se = max(se, ua.se) if ua.exact else se
    half = float(stats.t.ppf(0.975, n_units - 1)) * se
    p = 2 * float(stats.t.sf(abs(mean / se), n_units - 1)) if se else math.nan
    return replace(ua, mean=mean, se=se, df=float(n_units - 1), p=p, ci95=(mean - half, mean + half), exact=False)


def _counts(answers: Answers, units: Units) -> Floats:
    """Count the utterances of each class that are right, that have it as label, and that are predicted as it.

    Returns
    -------
    float64 (units, 3, seeds, classes)
    """
    seeds = len(answers.predicted)
    classes = int(max(answers.labels.max(), answers.predicted.max())) + 1
    unit, seed = units[None], np.arange(seeds)[:, None]
    right, true, predicted = (np.zeros((int(units.max()) + 1, seeds, classes)) for _ in range(3))
    np.add.at(right, (unit, seed, answers.labels[None]), answers.correct)
    np.add.at(true, (unit, seed, answers.labels[None]), 1)
    np.add.at(predicted, (unit, seed, answers.predicted), 1)
    return np.stack([right, true, predicted], axis=1)


def _macro_f1(counts: Floats) -> Floats:
    """Return macro-F1, averaged over seeds, of counts (..., 3, seeds, classes) as from `_counts`.

    It is averaged over the classes that occur among the labels.
    """
    hits, true, predicted = np.moveaxis(counts, -3, 0)
    f1 = np.divide(2 * hits, true + predicted, out=np.zeros_like(hits), where=true + predicted > 0)
    present = true > 0
    return np.asarray(((f1 * present).sum(-1) / present.sum(-1)).mean(-1))
