"""What one side of a fold knows of another: speakers, copies of recordings, class shares.

Nothing is read from disk here; recordings come as their digests and features.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plb_ablate.data.utterance import Corpus
from plb_ablate.errors import LeakageError
from plb_ablate.folds import Fold
from plb_ablate.near_copies import NEAR_COPY, near_copies
from plb_ablate.protocol import Protocol

__all__ = ["Copies", "FoldClasses", "LeakageReport", "SharedSpeakers", "audit"]

MOST_PAIRS = 1_000
"""Pairs of each kind that a report keeps, the most alike."""

SHOWN = 3
"""Names that a warning gives before it only counts."""


@dataclass(frozen=True)
class SharedSpeakers:
    """Speakers on both of two sides of a fold."""

    fold: int
    sides: tuple[str, str]
    speakers: tuple[str, ...]


@dataclass(frozen=True)
class Copies:
    """Two recordings (paths below the corpus's root) that are alike, and the folds that put them on two sides."""

    first: str
    second: str
    identical: bool
    similarity: float
    folds: tuple[int, ...]


@dataclass(frozen=True)
class FoldClasses:
    """Utterances of each class on one side of a fold, in the order of the corpus's classes."""

    fold: int
    side: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class LeakageReport:
    """All that `audit` found.

    Parameters
    ----------
    corpus : str
        Name of the corpus.
    classes : tuple of str
        Class names, in the order of the counts of `balance`.
    n_folds : int
        Number of folds looked at.
    checked : tuple of str
        What was looked at: ``speakers``, ``balance``, with digests ``bytes``, with features ``features``.
    speakers : tuple of SharedSpeakers
        One for each fold and pair of sides that share any.
    copies : tuple of Copies
        Pairs that at least one fold puts on two sides; at most `MOST_PAIRS` with the same bytes and as many others.
    balance : tuple of FoldClasses
        One for each fold and side.
    """

    corpus: str
    classes: tuple[str, ...]
    n_folds: int
    checked: tuple[str, ...]
    speakers: tuple[SharedSpeakers, ...]
    copies: tuple[Copies, ...]
    balance: tuple[FoldClasses, ...]

    @property
    def leaks(self) -> list[str]:
        """What crosses the sides, in plain words, one line for each kind; empty if nothing does."""
        identical = [pair for pair in self.copies if pair.identical]
        near = [pair for pair in self.copies if not pair.identical]
        lines = (
            _speaker_line(self.speakers, self.n_folds),
            _copy_line(identical, "the same bytes", self.n_folds),
            _copy_line(near, f"nearly the same sound (similarity {NEAR_COPY} or more)", self.n_folds),
        )
        return [line for line in lines if line]

    def warnings(self) -> list[str]:
        """Give all that a reader of the scores should know: `leaks`, then the classes that some side lacks."""
        lacking = defaultdict(list)
        for entry in self.balance:
            for name, count in zip(self.classes, entry.counts, strict=True):
                if not count:
                    lacking[entry.side, name].append(entry.fold)
        return self.leaks + [
            f"No utterance of class {name} in the {side} part of {_folds(folds, self.n_folds)}."
            for (side, name), folds in sorted(lacking.items())
        ]

    def check(self, protocol: Protocol) -> None:
        """Refuse leaks where `protocol` promises that there are none.

        Raises
        ------
        LeakageError
            Under ``speaker``, if a speaker or a copy of a recording is on two sides.
        """
        if protocol.name == "speaker" and self.leaks:
            raise LeakageError(
                f"protocol=speaker promises that nothing crosses the sides of a fold, but in {self.corpus}:\n  "
                + "\n  ".join(self.leaks)
                + "\nRemove the copies or correct the speakers; protocol=nested runs, with a warning."
            )

    def to_dict(self) -> dict[str, Any]:
        """Give the report in JSON types."""
        plain: dict[str, Any] = _swap(asdict(self), tuple, list)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "LeakageReport":
        """Rebuild a report from what `to_dict` gave."""
        kinds = {"speakers": SharedSpeakers, "copies": Copies, "balance": FoldClasses}
        fields = _swap(dict(data), list, tuple)
        return cls(**fields | {name: tuple(kind(**entry) for entry in fields[name]) for name, kind in kinds.items()})


def audit(
    corpus: Corpus,
    folds: Sequence[Fold],
    *,
    digests: Sequence[str] | None = None,
    features: NDArray[np.float32] | None = None,
) -> LeakageReport:
    """Look for what crosses the sides (train, validation, test) of each fold.

    Parameters
    ----------
    corpus : Corpus
        The n utterances that `folds` divide.
    folds : sequence of Fold
        As `plb_ablate.folds.make_folds` gives them.
    digests : sequence of n str, optional
        Digest of each recording's bytes; equal digests are copies.
    features : float32 array of shape (n, frames, coefficients), optional
        MFCCs of each recording; for nearly equal ones see `near_copies`.

    Raises
    ------
    ValueError
        If digests or features are not one for each utterance, or a feature is not finite.
    """
    n = len(corpus.utterances)
    for name, values in (("digests", digests), ("features", features)):
        if values is not None and len(values) != n:
            raise ValueError(f"{len(values)} {name} for {n} utterances of {corpus.name}.")
    same = _same_bytes(digests) if digests is not None else iter(())
    near = _nearly_same(features, digests) if features is not None else iter(())
    looked = {"speakers": True, "bytes": digests is not None, "features": features is not None, "balance": True}
    return LeakageReport(
        corpus=corpus.name,
        classes=corpus.classes,
        n_folds=len(folds),
        checked=tuple(name for name, done in looked.items() if done),
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
    """Keep the pairs that some fold puts on two sides."""
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
            first, second = (set(corpus.speakers[fold.sides[side]].tolist()) for side in sides)
            if first & second:
                yield SharedSpeakers(fold.index, sides, tuple(sorted(first & second)))


def _balance(corpus: Corpus, folds: Sequence[Fold]) -> Iterator[FoldClasses]:
    for fold in folds:
        for side, part in fold.sides.items():
            counts = np.bincount(corpus.labels[part], minlength=len(corpus.classes))
            yield FoldClasses(fold.index, side, tuple(counts.tolist()))


def _swap(value: Any, old: type[Any], new: type[Any]) -> Any:
    """Turn every `old` inside dicts, lists and tuples into a `new`."""
    if isinstance(value, dict):
        return {key: _swap(entry, old, new) for key, entry in value.items()}
    return new(_swap(entry, old, new) for entry in value) if isinstance(value, old) else value


def _some(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return "; ".join(names[:SHOWN]) + (f"; and {rest} more" if rest > 0 else "")


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _folds(numbers: Sequence[int], n_folds: int) -> str:
    found = sorted(set(numbers))
    if len(found) == n_folds > 1:
        return f"all {n_folds} folds"
    return f"fold{'s' if len(found) > 1 else ''} {', '.join(map(str, found))}"


def _speaker_line(shared: Sequence[SharedSpeakers], n_folds: int) -> str:
    names = sorted({speaker for entry in shared for speaker in entry.speakers})
    where = _folds([entry.fold for entry in shared], n_folds)
    return f"{_many(len(names), 'speaker')} on two sides of {where}: {_some(names)}." if shared else ""


def _copy_line(pairs: Sequence[Copies], what: str, n_folds: int) -> str:
    capped = "At least " if len(pairs) == MOST_PAIRS else ""
    names = [f"{pair.first} = {pair.second} ({_folds(pair.folds, n_folds)})" for pair in pairs]
    return (
        f"{capped}{_many(len(pairs), 'pair')} of recordings with {what} on two sides: {_some(names)}." if pairs else ""
    )
