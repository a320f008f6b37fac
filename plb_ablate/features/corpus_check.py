"""Check of a corpus folder against the published counts."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plb_ablate.config.features import PUBLISHED, FeatureSettings
from plb_ablate.core.progress_bar import with_progress
from plb_ablate.data.audio_file import Header, read_header, read_samples
from plb_ablate.data.completeness import incompleteness
from plb_ablate.data.corpus import Corpus

__all__ = ["CorpusCheck", "CountCheck", "check_corpus", "compare_corpus", "published_length"]


@dataclass(frozen=True)
class CountCheck:
    """A published count (None if not published) and the count found in the folder."""

    published: int | None
    here: int

    @property
    def differs(self) -> bool:
        """Whether the two counts differ; False if none is published."""
        return self.published is not None and self.published != self.here


@dataclass(frozen=True)
class CorpusCheck:
    """Result of `check_corpus` or `compare_corpus`.

    Parameters
    ----------
    corpus, root, source : str
        Name of the corpus, its folder, and where its counts are published.
    notes : tuple of str
        What was read, if the folder is not laid out as distributed (`plb_ablate.data.corpus.Corpus.notes`).
    incomplete : str
        How the utterances differ in number from the published ones; empty if they do not.
    classes, speakers : mapping of str to CountCheck
        Utterances of each class and of each speaker.
    utterances, cut, copies : CountCheck
        All recordings; those cut to the target length of the features; those byte-identical to an earlier one.
    padded : int
        Recordings shorter than the target length of the features.
    rate : int, optional
        Published sampling rate in Hz.
    rates, channels : mapping of int to int
        Number of recordings for each sampling rate in Hz and each number of channels.
    seconds : mapping of str to float
        ``shortest``, ``mean``, ``longest`` and ``total`` duration; empty if no recording can be read.
    copied : tuple of tuple of str
        Groups of byte-identical files, as paths relative to the root.
    unusable : mapping of str to str
        Reason for each recording that cannot be used, by its path relative to the root.
    """

    corpus: str
    root: str
    source: str
    notes: tuple[str, ...]
    incomplete: str
    classes: Mapping[str, CountCheck]
    speakers: Mapping[str, CountCheck]
    utterances: CountCheck
    cut: CountCheck
    copies: CountCheck
    padded: int
    rate: int | None
    rates: Mapping[int, int]
    channels: Mapping[int, int]
    seconds: Mapping[str, float]
    copied: tuple[tuple[str, ...], ...]
    unusable: Mapping[str, str]

    @property
    def differences(self) -> list[str]:
        """Sentences on what differs from the published counts; empty if nothing does."""
        present = {name: count for name, count in self.speakers.items() if count.here and count.differs}
        lines = [self.incomplete] if self.incomplete else []
        lines += [_line(f"speaker {name}", count) for name, count in present.items()]
        lines += [_line(f"class {name}", count) for name, count in self.classes.items() if count.differs]
        return lines + self._other_recordings(("cut to length", self.cut), ("copies", self.copies))

    @property
    def warnings(self) -> list[str]:
        """Sentences for somebody who trains with the corpus: `differences` in short.

        Counts of cut recordings and of copies are compared only if no utterance is missing.
        """
        if self.incomplete:
            return [self.incomplete, *self._other_recordings()]
        long = f"recordings of {PUBLISHED.seconds:.3f} s or more"
        return self._other_recordings((long, self.cut), ("copies", self.copies))

    def _other_recordings(self, *counts: tuple[str, CountCheck]) -> list[str]:
        lines = [_line(name, count) for name, count in counts if count.differs]
        other = {rate: n for rate, n in self.rates.items() if self.rate not in (None, rate)}
        lines += [
            f"sampling rate: {n:,} of {self.utterances.here:,} recordings at {rate:,} Hz, published {self.rate:,} Hz"
            for rate, n in other.items()
        ]
        return lines + [f"unusable: {path}: {reason}" for path, reason in self.unusable.items()]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-compatible values."""
        return asdict(self) | {"differences": self.differences}


def _line(name: str, count: CountCheck) -> str:
    return f"{name}: {count.here:,}, published {count.published:,}"


def published_length(samples: int, rate: int, settings: FeatureSettings) -> int:
    """Return the length in samples of a recording after resampling, before padding or cutting."""
    return math.ceil(samples * (float(settings.sample_rate) / rate))


def check_corpus(corpus: Corpus, *, progress: bool = True) -> CorpusCheck:
    """Read every recording of a corpus and compare the counts with the published ones, if there are any."""
    read: dict[str, tuple[str, Header]] = {}
    unusable: dict[str, str] = {}
    pairs = list(zip(corpus.relative_paths, corpus.paths, strict=True))
    for relative, path in with_progress(pairs, "Reading recordings", len(pairs), progress=progress):
        try:
            read[relative] = _look(path)
        except (OSError, ValueError) as error:
            unusable[relative] = str(error)
    return compare_corpus(corpus, read, unusable)


def _look(path: Path) -> tuple[str, Header]:
    """Read a recording completely; return its digest and its header."""
    recording = path.read_bytes()
    read_samples(recording)
    return hashlib.sha256(recording).hexdigest(), read_header(recording)


def compare_corpus(
    corpus: Corpus,
    read: Mapping[str, tuple[str, Header]],
    unusable: Mapping[str, str] | None = None,
    *,
    features: FeatureSettings = PUBLISHED,
) -> CorpusCheck:
    """Compare a corpus whose recordings were read with the published counts.

    Parameters
    ----------
    corpus : Corpus
        Without published counts (`Corpus.reference`), what was read is counted only.
    read : mapping of str to (str, Header)
        SHA-256 and header of each recording, by its path relative to the root.
    unusable : mapping of str to str, optional
        Reason for each recording that cannot be used.
    features : FeatureSettings
        Decide which recordings are cut; their published number holds for the published length only.
    """
    reference = corpus.reference
    labels, speakers = Counter(corpus.labels.tolist()), Counter(filter(None, corpus.speakers.tolist()))
    published = dict(reference.speakers) if reference else {}
    names = dict.fromkeys([*published, *speakers])
    of_classes = reference.classes if reference else (None,) * len(corpus.classes)
    copied = _copied({path: digest for path, (digest, _) in read.items()})
    headers = [header for _, header in read.values()]
    cut = sum(published_length(h.samples, h.rate, features) >= features.target_length for h in headers)
    usual = (features.sample_rate, features.target_length) == (PUBLISHED.sample_rate, PUBLISHED.target_length)
    return CorpusCheck(
        corpus=corpus.name,
        root=str(corpus.root),
        source=reference.source if reference else "",
        notes=corpus.notes,
        incomplete=incompleteness(corpus, reference),
        classes={name: CountCheck(of_classes[i], labels[i]) for i, name in enumerate(corpus.classes)},
        speakers={name: CountCheck(published.get(name), speakers[name]) for name in names},
        utterances=CountCheck(reference.utterances if reference else None, len(corpus.utterances)),
        cut=CountCheck(reference.cut if reference and usual else None, cut),
        copies=CountCheck(reference.copies if reference else None, sum(len(group) - 1 for group in copied)),
        padded=len(read) - cut,
        rate=reference.rate if reference else None,
        rates=dict(Counter(header.rate for header in headers)),
        channels=dict(Counter(header.channels for header in headers)),
        seconds=_seconds([header.samples / header.rate for header in headers]),
        copied=copied,
        unusable=unusable or {},
    )


def _copied(digests: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    same: dict[str, list[str]] = defaultdict(list)
    for path, digest in digests.items():
        same[digest].append(path)
    return tuple(tuple(paths) for paths in same.values() if len(paths) > 1)


def _seconds(durations: list[float]) -> dict[str, float]:
    if not durations:
        return {}
    total = sum(durations)
    named = {"shortest": min(durations), "mean": total / len(durations), "longest": max(durations), "total": total}
    return {name: round(value, 3) for name, value in named.items()}
