"""Holds a folder of recordings against what is published of its corpus."""

import hashlib
import io
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import soundfile

from plb_ablate.core.progress_bar import with_progress
from plb_ablate.data.audio_file import read_samples
from plb_ablate.data.registry import READERS, Corpus, ReferenceCounts, read_corpus
from plb_ablate.features.extraction import FeatureSettings

__all__ = ["CorpusCheck", "CountCheck", "check_corpus", "published_length"]


@dataclass(frozen=True)
class CountCheck:
    """A number that is published (None: it is not) and the one found."""

    published: int | None
    here: int

    @property
    def differs(self) -> bool:
        """Whether the two are known to be different."""
        return self.published is not None and self.published != self.here


@dataclass(frozen=True)
class CorpusCheck:
    """All that `check_corpus` found.

    Parameters
    ----------
    corpus, root, source : str
        Name, folder, and where the published numbers come from.
    classes, speakers : mapping of str to CountCheck
        Utterances of each.
    utterances, cut, copies : CountCheck
        All; those as long as the features or longer, which are cut; those with the bytes of an earlier one.
    padded : int
        Utterances shorter than the features.
    rate : int, optional
        Published sampling rate in Hz.
    rates, channels : mapping of int to int
        Sampling rate in Hz, number of channels: recordings that have it.
    seconds : mapping of str to float
        ``shortest``, ``mean``, ``longest`` and ``total`` duration; empty where no recording can be read.
    copied : tuple of tuple of str
        Paths below the root whose bytes are the same.
    unusable : mapping of str to str
        Path below the root to the reason why the recording cannot be used.
    """

    corpus: str
    root: str
    source: str
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
        """What differs from what is published, in words; empty if nothing does."""
        absent = [name for name, count in self.speakers.items() if count.differs or count.here == 0]
        missing = [name for name in absent if not self.speakers[name].here]
        found = [f"speakers missing: {', '.join(missing)}"] if missing else []
        found += [_line(f"speaker {name}", self.speakers[name]) for name in absent if name not in missing]
        found += [_line(f"class {name}", count) for name, count in self.classes.items() if count.differs]
        named = (("utterances", self.utterances), ("cut to length", self.cut), ("copies", self.copies))
        found += [_line(name, count) for name, count in named if count.differs]
        other = {rate: n for rate, n in self.rates.items() if self.rate not in (None, rate)}
        found += [f"sampling rate: {n} recordings at {rate:,} Hz, published {self.rate:,}" for rate, n in other.items()]
        return found + [f"unusable: {path}: {reason}" for path, reason in self.unusable.items()]

    def to_dict(self) -> dict[str, Any]:
        """Give all of it in JSON types."""
        return asdict(self) | {"differences": self.differences}


def _line(name: str, count: CountCheck) -> str:
    return f"{name}: {count.here:,}, published {count.published:,}"


@dataclass(frozen=True)
class _Recording:
    digest: str
    seconds: float
    length: int
    rate: int
    channels: int


def published_length(samples: int, rate: int, settings: FeatureSettings) -> int:
    """Give the samples that a recording has after resampling, before it is padded or cut."""
    return math.ceil(samples * (float(settings.sample_rate) / rate))


def check_corpus(name: str, root: Path, *, progress: bool = True) -> CorpusCheck:
    """Read every recording of a corpus and hold what is there against what is published.

    Raises
    ------
    ConfigError
        If `name` is no corpus.
    CorpusError
        If the folder is not that of the corpus, or file names cannot be decoded.
    """
    corpus, settings = read_corpus(name, root), FeatureSettings()
    read: dict[str, _Recording] = {}
    unusable: dict[str, str] = {}
    pairs = list(zip(corpus.relative_paths, corpus.paths, strict=True))
    for relative, path in with_progress(pairs, "Reading recordings", len(pairs), progress=progress):
        try:
            read[relative] = _look(path, settings)
        except (OSError, ValueError) as error:
            unusable[relative] = str(error)
    return _compare(corpus, READERS[name].REFERENCE_COUNTS, read, unusable, settings)


def _look(path: Path, settings: FeatureSettings) -> _Recording:
    recording = path.read_bytes()
    samples, rate = read_samples(recording)
    with soundfile.SoundFile(io.BytesIO(recording)) as sound:
        channels = sound.channels
    length = published_length(len(samples), rate, settings)
    return _Recording(hashlib.sha256(recording).hexdigest(), len(samples) / rate, length, rate, channels)


def _compare(
    corpus: Corpus,
    reference: ReferenceCounts,
    read: Mapping[str, _Recording],
    unusable: Mapping[str, str],
    settings: FeatureSettings,
) -> CorpusCheck:
    labels, speakers = Counter(corpus.labels.tolist()), Counter(corpus.speakers.tolist())
    names = dict.fromkeys([*reference.speakers, *speakers])
    copied = _copied(read)
    cut = sum(recording.length >= settings.target_length for recording in read.values())
    return CorpusCheck(
        corpus=corpus.name,
        root=str(corpus.root),
        source=reference.source,
        classes={name: CountCheck(reference.classes[i], labels[i]) for i, name in enumerate(corpus.classes)},
        speakers={name: CountCheck(reference.speakers.get(name), speakers[name]) for name in names},
        utterances=CountCheck(reference.utterances, len(corpus.utterances)),
        cut=CountCheck(reference.cut, cut),
        copies=CountCheck(reference.copies, sum(len(group) - 1 for group in copied)),
        padded=len(read) - cut,
        rate=reference.rate,
        rates=dict(Counter(recording.rate for recording in read.values())),
        channels=dict(Counter(recording.channels for recording in read.values())),
        seconds=_seconds([recording.seconds for recording in read.values()]),
        copied=copied,
        unusable=unusable,
    )


def _copied(read: Mapping[str, _Recording]) -> tuple[tuple[str, ...], ...]:
    same: dict[str, list[str]] = defaultdict(list)
    for path, recording in read.items():
        same[recording.digest].append(path)
    return tuple(tuple(paths) for paths in same.values() if len(paths) > 1)


def _seconds(durations: list[float]) -> dict[str, float]:
    if not durations:
        return {}
    total = sum(durations)
    named = {"shortest": min(durations), "mean": total / len(durations), "longest": max(durations), "total": total}
    return {name: round(value, 3) for name, value in named.items()}
