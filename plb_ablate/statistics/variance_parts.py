"""What the uncertainty of a difference comes from: utterances, speakers, folds and seeds.

References
----------
C. R. Henderson, Estimation of Variance and Covariance Components, Biometrics 9, 1953 (method 1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plb_ablate.statistics.answers import Answers, require_pairs
from plb_ablate.statistics.paired_test import Floats

__all__ = ["VariancePart", "variance_parts"]

Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class VariancePart:
    """Part of the variance of a difference that has one source.

    Parameters
    ----------
    source : str
        ``speakers``, ``utterances``, ``folds``, ``seeds``; two names joined by *and* if they cannot be told apart.
    n : int
        How many of them there are.
    variance : float
        Part of the variance of the mean difference.
    share : float
        The same as a fraction of all parts; NaN if nothing varies.
    """

    source: str
    n: int
    variance: float
    share: float


def variance_parts(reference: Answers, variant: Answers) -> list[VariancePart]:
    """Split the variance of the difference in WA into its sources.

    The difference of seed s at utterance i is modelled as a constant plus independent random effects: of the speaker
    and of the fold of i, of utterance i, of the training (s, fold of i), and a rest. Their variances are estimated by
    Henderson's first method; negative estimates count as zero. Trainings and rest shrink with more seeds, and count as
    *seeds*. With one seed, the rest cannot be told from utterances, nor a training from its fold.

    Raises
    ------
    PairingError
        If the two do not belong together.
    """
    require_pairs(reference, variant)
    d = (reference.correct.astype(float) - variant.correct).ravel()
    factors = _factors(reference)
    codes = [np.unique(values, return_inverse=True)[1] for values in factors.values()]
    sizes = [np.bincount(code).astype(float) for code in codes]
    rest, *variances = _components(d, codes, sizes)
    total = len(d)
    found = {
        name: (len(n), v * float(np.sum(n**2)) / total**2) for name, n, v in zip(factors, sizes, variances, strict=True)
    }
    _add_rest(found, rest / total, reference)
    whole = sum(variance for _, variance in found.values())
    return [
        VariancePart(name, n, variance, variance / whole if whole else float("nan"))
        for name, (n, variance) in sorted(found.items(), key=lambda item: -item[1][1])
    ]


def _factors(answers: Answers) -> Mapping[str, Codes]:
    """Return the level of every factor for every answer, seeds by utterances in one row; equal factors are joined."""
    seeds, n = answers.predicted.shape
    folds = np.unique(answers.folds, return_inverse=True)[1]
    by_utterance = {"folds": folds}
    if answers.clusters is not None:
        by_utterance["speakers"] = np.unique(answers.clusters, return_inverse=True)[1]
    if seeds > 1:
        by_utterance["utterances"] = np.arange(n)
    joined: dict[str, Codes] = {}
    for name, codes in by_utterance.items():
        same = next((other for other, known in joined.items() if _same_groups(known, codes)), None)
        if same is None:
            joined[name] = codes
        else:
            joined[f"{same} and {name}"] = joined.pop(same)
    everywhere = {name: np.tile(codes, seeds) for name, codes in joined.items()}
    if seeds > 1:
        everywhere["seeds"] = np.concatenate([folds + seed * (folds.max() + 1) for seed in range(seeds)])
    return everywhere


def _same_groups(one: Codes, other: Codes) -> bool:
    pairs = len(set(zip(one.tolist(), other.tolist(), strict=True)))
    return pairs == len(set(one.tolist())) == len(set(other.tolist()))


def _components(d: Floats, codes: Sequence[Codes], sizes: Sequence[Floats]) -> list[float]:
    """Return the variance of the rest, then of every factor: sums of squares are set equal to their expectations."""
    n = len(d)
    constant = np.array([np.sum(size**2) / n for size in sizes])
    correction = d.sum() ** 2 / n
    rows: list[list[float]] = [[n - 1.0, *(n - constant)]]
    values = [float(np.sum(d**2) - correction)]
    for code, size in zip(codes, sizes, strict=True):
        together = [_shared(code, size, other) for other in codes]
        rows.append([len(size) - 1.0, *(np.array(together) - constant)])
        values.append(float(np.sum(np.bincount(code, d) ** 2 / size) - correction))
    solved = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]
    return [max(0.0, float(value)) for value in solved]


def _shared(code: Codes, size: Floats, other: Codes) -> float:
    """Return the sum over pairs of levels of the squared number of shared answers over the size of the first level."""
    pairs, counts = np.unique(code.astype(np.int64) * (int(other.max()) + 1) + other, return_counts=True)
    return float(np.sum(counts**2 / size[pairs // (int(other.max()) + 1)]))


def _add_rest(found: dict[str, tuple[int, float]], rest: float, answers: Answers) -> None:
    seeds, n = answers.predicted.shape
    if seeds == 1:
        found["utterances"] = (n, rest)
        for name in [name for name in found if "folds" in name]:
            found[f"{name} and seeds"] = found.pop(name)
    else:
        found["seeds"] = (seeds, found["seeds"][1] + rest)
