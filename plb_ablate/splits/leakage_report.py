"""The result of the leakage check: shared speakers, copies and class balance, as sentences and as plain values."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from plb_ablate.config.protocol import Protocol
from plb_ablate.core.errors import LeakageError
from plb_ablate.splits.near_duplicates import NEAR_COPY

__all__ = ["MOST_PAIRS", "Copies", "FoldClasses", "LeakageReport", "SharedSpeakers"]

MOST_PAIRS = 1_000
"""Most pairs of each kind that a report contains: those with the highest similarity."""


SHOWN = 3
"""Most names that a warning lists; further ones are counted."""


@dataclass(frozen=True)
class SharedSpeakers:
    """Speakers that two splits of a fold share."""

    fold: int
    sides: tuple[str, str]
    speakers: tuple[str, ...]


@dataclass(frozen=True)
class Copies:
    """Two similar recordings (paths relative to the corpus root), and the folds that put them in different splits."""

    first: str
    second: str
    identical: bool
    similarity: float
    folds: tuple[int, ...]


@dataclass(frozen=True)
class FoldClasses:
    """Number of utterances of each class in one split of a fold, in label order."""

    fold: int
    side: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class LeakageReport:
    """Result of `audit`.

    Parameters
    ----------
    corpus : str
        Name of the corpus.
    classes : tuple of str
        Class names in label order.
    n_folds : int
        Number of folds checked.
    checked : tuple of str
        Checks done: ``speakers``, ``balance``, with digests ``bytes``, with features ``features``.
    speakers : tuple of SharedSpeakers
        One for each fold and pair of splits that share speakers.
    copies : tuple of Copies
        Pairs in different splits of at least one fold; at most `MOST_PAIRS` identical and as many near-duplicates.
    balance : tuple of FoldClasses
        One for each fold and split.
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
        """Sentences on the leakage found, one for each kind; empty if there is none."""
        identical = [pair for pair in self.copies if pair.identical]
        near = [pair for pair in self.copies if not pair.identical]
        lines = (
            _speaker_line(self.speakers, self.n_folds),
            _copy_line(identical, "identical files", self.n_folds),
            _copy_line(near, f"near-duplicates (similarity {NEAR_COPY} or more)", self.n_folds),
        )
        return [line for line in lines if line]

    def warnings(self) -> list[str]:
        """Return `leaks`, and sentences on what could not be checked and on each class that is missing in a split."""
        lacking = defaultdict(list)
        for entry in self.balance:
            for name, count in zip(self.classes, entry.counts, strict=True):
                if not count:
                    lacking[entry.side, name].append(entry.fold)
        unchecked = "bytes" in self.checked and "features" not in self.checked
        lines = ["Near-duplicates were not looked for: these features are too few to tell them."] if unchecked else []
        return (
            lines
            + self.leaks
            + [
                f"No utterance of class {name} in the {side} split of {_folds(folds, self.n_folds)}."
                for (side, name), folds in sorted(lacking.items())
            ]
        )

    def check(self, protocol: Protocol) -> None:
        """Raise an error if there is leakage under a protocol that excludes it.

        Raises
        ------
        LeakageError
            Under ``speaker``, if two splits of a fold share a speaker or a copy of a recording.
        """
        if protocol.name == "speaker" and self.leaks:
            raise LeakageError(
                f"protocol=speaker requires splits without shared speakers or recordings, but in {self.corpus}:\n  "
                + "\n  ".join(self.leaks)
                + "\nRemove the copies or correct the speakers. protocol=nested only warns of this."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-compatible values."""
        plain: dict[str, Any] = _swap(asdict(self), tuple, list)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "LeakageReport":
        """Rebuild a report from the result of `to_dict`."""
        kinds = {"speakers": SharedSpeakers, "copies": Copies, "balance": FoldClasses}
        fields = _swap(dict(data), list, tuple)
        return cls(**fields | {name: tuple(kind(**entry) for entry in fields[name]) for name, kind in kinds.items()})


def _swap(value: Any, old: type[Any], new: type[Any]) -> Any:
    """Convert every `old` inside dicts, lists and tuples to a `new`."""
    if isinstance(value, dict):
        return {key: _swap(entry, old, new) for key, entry in value.items()}
    return new(_swap(entry, old, new) for entry in value) if isinstance(value, old) else value


def _some(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return "; ".join(names[:SHOWN]) + (f"; and {rest} more" if rest > 0 else "")


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _folds(numbers: Sequence[int], n_folds: int) -> str:
    distinct = sorted(set(numbers))
    if len(distinct) == n_folds > 1:
        return f"all {n_folds} folds"
    return f"fold{'s' if len(distinct) > 1 else ''} {', '.join(map(str, distinct))}"


def _speaker_line(shared: Sequence[SharedSpeakers], n_folds: int) -> str:
    names = sorted({speaker for entry in shared for speaker in entry.speakers})
    where = _folds([entry.fold for entry in shared], n_folds)
    return f"{_many(len(names), 'speaker')} in more than one split of {where}: {_some(names)}." if shared else ""


def _copy_line(pairs: Sequence[Copies], kind: str, n_folds: int) -> str:
    capped = "At least " if len(pairs) == MOST_PAIRS else ""
    names = [f"{pair.first} = {pair.second} ({_folds(pair.folds, n_folds)})" for pair in pairs]
    return f"{capped}{_many(len(pairs), 'pair')} of {kind} in different splits: {_some(names)}." if pairs else ""
