"""What was found to cross the sides of folds: speakers, copies, classes; as words and as plain values."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from plb_ablate.config.protocol import Protocol
from plb_ablate.core.errors import LeakageError
from plb_ablate.splits.near_duplicates import NEAR_COPY

__all__ = ["MOST_PAIRS", "Copies", "FoldClasses", "LeakageReport", "SharedSpeakers"]

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
