"""Detection of data leakage between the splits of each fold: shared speakers, copies of recordings, class balance.

Nothing is read from disk here: recordings are represented by their digests and features.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, islice

import numpy as np
from numpy.typing import NDArray

from plb_ablate.config.protocol import Protocol
from plb_ablate.data.corpus import Corpus
from plb_ablate.features.dataset import PreparedCorpus
from plb_ablate.splits.folds import Fold, make_folds
from plb_ablate.splits.leakage_report import MOST_PAIRS, Copies, FoldClasses, LeakageReport, SharedSpeakers
from plb_ablate.splits.near_duplicates import comparable, near_copies

__all__ = ["audit", "audit_prepared"]


def audit(
    corpus: Corpus,
    folds: Sequence[Fold],
    *,
    digests: Sequence[str] | None = None,
    features: NDArray[np.float32] | None = None,
) -> LeakageReport:
    """Check for leakage between the training, validation and test splits of each fold.

    Parameters
    ----------
    corpus : Corpus
        The n utterances that `folds` index.
    folds : sequence of Fold
        From `plb_ablate.splits.folds.make_folds`.
    digests : sequence of n str, optional
        Digest of each audio file; equal digests mean identical files.
    features : float32 array of shape (n, frames, coefficients), optional
        MFCCs of each recording, for finding near-duplicates with `near_copies`.

    Raises
    ------
    ValueError
        If there is not one digest or feature array for each utterance, or a feature is not finite.
    """
    n = len(corpus.utterances)
    for name, values in (("digests", digests), ("features", features)):
        if values is not None and len(values) != n:
            raise ValueError(f"{len(values)} {name} for {n} utterances of {corpus.name}.")
    same = _same_bytes(digests) if digests is not None else iter(())
    near = _nearly_same(features, digests) if features is not None else iter(())
    checks = {
        "speakers": bool(corpus.speakers.astype(bool).all()),
        "bytes": digests is not None,
        "features": features is not None,
        "balance": True,
    }
    return LeakageReport(
        corpus=corpus.name,
        classes=corpus.classes,
        n_folds=len(folds),
        checked=tuple(name for name, done in checks.items() if done),
        speakers=tuple(_shared_speakers(corpus, folds)),
        copies=tuple(_parted(same, True, corpus, folds)) + tuple(_parted(near, False, corpus, folds)),
        balance=tuple(_balance(corpus, folds)),
    )


def _same_bytes(digests: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    holders = defaultdict(list)
    for i, digest in enumerate(digests):
        holders[digest].append(i)
    return ((i, j, 1.0) for group in holders.values() for i, j in combinations(group, 2))


def _nearly_same(features: NDArray[np.float32], digests: Sequence[str] | None) -> Iterator[tuple[int, int, float]]:
    pairs, similarity = near_copies(features)
    for (i, j), value in zip(pairs.tolist(), similarity.tolist(), strict=True):
        if digests is None or digests[i] != digests[j]:
            yield i, j, value


def _parted(
    pairs: Iterator[tuple[int, int, float]], identical: bool, corpus: Corpus, folds: Sequence[Fold]
) -> Iterator[Copies]:
    """Yield the pairs that are in different splits of at least one fold."""
    side = np.full((len(folds), len(corpus.utterances)), -1)
    for row, fold in zip(side, folds, strict=True):
        for number, part in enumerate(fold.sides.values()):
            row[part] = number
    paths, numbers = corpus.relative_paths, np.array([fold.index for fold in folds])
    apart = ((i, j, value, (side[:, i] != side[:, j]) & (side[:, [i, j]].min(axis=1) >= 0)) for i, j, value in pairs)
    kept = (pair for pair in apart if pair[3].any())
    for i, j, value, where in islice(kept, MOST_PAIRS):
        yield Copies(paths[i], paths[j], identical, round(value, 4), tuple(numbers[where].tolist()))


def _shared_speakers(corpus: Corpus, folds: Sequence[Fold]) -> Iterator[SharedSpeakers]:
    for fold in folds:
        for sides in combinations(fold.sides, 2):
            first, second = (set(corpus.speakers[fold.sides[side]].tolist()) - {""} for side in sides)
            if first & second:
                yield SharedSpeakers(fold.index, sides, tuple(sorted(first & second)))


def _balance(corpus: Corpus, folds: Sequence[Fold]) -> Iterator[FoldClasses]:
    for fold in folds:
        for side, part in fold.sides.items():
            counts = np.bincount(corpus.labels[part], minlength=len(corpus.classes))
            yield FoldClasses(fold.index, side, tuple(counts.tolist()))


def audit_prepared(prepared: PreparedCorpus, protocol: Protocol) -> LeakageReport:
    """Check all folds of a corpus under `protocol`: speakers, identical files, near-duplicates, class balance.

    Near-duplicates are looked for only if the features can tell them (`comparable`).
    """
    folds = make_folds(prepared.corpus, protocol)
    features = comparable(prepared.features, prepared.settings)
    return audit(prepared.corpus, folds, digests=prepared.digests, features=features)
