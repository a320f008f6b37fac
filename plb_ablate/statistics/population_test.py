"""These trainings, further utterances: the difference of trained networks over the population of utterances.

The networks are taken as they are; what varies is which utterances, and which speakers, happened to be in the corpus.
Nothing is said about training the method again (`plb_ablate.statistics.paired_test` does).

References
----------
- P. Bayle, A. Bayle, L. Janson and L. Mackey, Cross-validation Confidence Intervals for Test Error, NeurIPS 2020:
  the central limit theorem of cross-validation, and the all-pairs estimate of its variance (equation 4.3).
- D. G. Bonett and R. M. Price, Adjusted Wald Confidence Interval for a Difference of Binomial Proportions Based on
  Paired Data, Journal of Educational and Behavioral Statistics 37, 2012.
- A. C. Cameron and D. L. Miller, A Practitioner's Guide to Cluster-Robust Inference, Journal of Human Resources 50,
  2015.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar

from plb_ablate.statistics.answers import Answers, differences, discordant
from plb_ablate.statistics.paired_test import Floats

__all__ = ["FEW_DISCORDANT", "PopulationTest", "population_test", "value_test"]

FEW_DISCORDANT = 25
"""With fewer utterances on which two variants differ, the p-value is that of the exact McNemar test."""


@dataclass(frozen=True)
class PopulationTest:
    """Difference of two variants over the population of utterances, reference minus variant.

    Parameters
    ----------
    mean, se, df : float
        Difference, its standard error, and degrees of freedom.
    p : float
        Two-sided p-value.
    ci95 : (float, float)
        95 % interval.
    n_utterances, n_speakers : int
        Sizes of the sample; 0 speakers if they are unknown.
    better, worse : int
        Utterances on which the reference is right more often, or less often, than the variant.
    exact : bool
        Whether `p` is that of the exact McNemar test.
    """

    mean: float
    se: float
    df: float
    p: float
    ci95: tuple[float, float]
    n_utterances: int
    n_speakers: int
    better: int
    worse: int
    exact: bool


def population_test(reference: Answers, variant: Answers, metric: str = "wa") -> PopulationTest:
    """Test the difference in WA or UA of trained networks against zero.

    Both are weighted means of the differences d of the utterances; WA weights all alike, UA by one over the number of
    classes times the utterances of the class. The standard error is that of a regression of d on the classes (on a
    constant for WA) with errors that are correlated inside a speaker: cluster-robust, with the small-sample correction
    and speakers - 1 degrees of freedom. Without speakers it is the all-pairs variance. If few utterances differ, the
    interval is at least as wide as that of Bonett and Price, which is not empty without any difference.

    Parameters
    ----------
    reference, variant : Answers
        With and without the module.
    metric : str
        ``wa`` or ``ua``.

    Raises
    ------
    PairingError
        If the two do not belong together.
    """
    return value_test(differences(reference, variant), reference, metric)


def value_test(d: Floats, answers: Answers, metric: str = "wa", *, signs: bool = True) -> PopulationTest:
    """Test a weighted mean of one value for each utterance against zero, as `population_test` does.

    Parameters
    ----------
    d : float64 (n,)
        Differences, or contrasts of several variants, in the order of the utterances.
    answers : Answers
        Labels and speakers of the utterances.
    metric : str
        ``wa`` or ``ua``.
    signs : bool
        Whether the p-value of few values is that of their signs (McNemar). Not for a contrast of several variants,
        whose values differ in size, so that the balance of their signs is another question than their mean.
    """
    classes = answers.labels if metric == "ua" else np.zeros(len(d), dtype=int)
    mean, se, df = _regression(d, classes, answers.clusters)
    better, worse = discordant(d)
    few = better + worse < FEW_DISCORDANT
    exact = few and signs
    se = max(se, _adjusted_error(d, classes)) if few else se
    if exact:
        p = float(mcnemar([[0, better], [worse, 0]], exact=True).pvalue) if better + worse else 1.0
    else:
        p = 2 * float(stats.t.sf(abs(mean / se), df)) if se else math.nan
    half = float(stats.t.ppf(0.975, df)) * se
    interval = (mean - half, mean + half)
    return PopulationTest(mean, se, df, p, interval, len(d), answers.n_speakers, better, worse, exact)


def _regression(d: Floats, classes: NDArray[Any], clusters: NDArray[Any] | None) -> tuple[float, float, float]:
    """Return the mean over classes of the mean difference of a class, its standard error and degrees of freedom.

    Both are rounded, as the differences of folds are: where all clusters balance, the rest of a sum is no spread.
    """
    codes = np.unique(classes, return_inverse=True)[1]
    design = np.eye(codes.max() + 1)[codes]
    if clusters is None:
        fit = OLS(d, design).fit(cov_type="HC1", use_t=True)
    else:
        groups = np.unique(clusters, return_inverse=True)[1]
        fit = OLS(d, design).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    contrast = np.full(design.shape[1], 1 / design.shape[1])
    variance = float(contrast @ fit.cov_params() @ contrast)
    df = len(d) - design.shape[1] if clusters is None else len(set(groups.tolist())) - 1
    return round(float(contrast @ fit.params), 12), round(math.sqrt(max(variance, 0.0)), 12), float(df)


def _adjusted_error(d: Floats, classes: NDArray[Any]) -> float:
    """Return Bonett and Price's standard error: two utterances, one of each sign, are added, shared by all classes."""
    codes = np.unique(classes, return_inverse=True)[1]
    n = np.bincount(codes) + 2 / (codes.max() + 1)
    means = np.bincount(codes, d) / n
    squares = (np.bincount(codes, d**2) + 2 / len(n)) / n
    return math.sqrt(float(np.sum((squares - means**2) / n))) / len(n)
