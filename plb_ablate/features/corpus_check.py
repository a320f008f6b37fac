"""Check of a corpus folder against the published counts."""

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
    """A published count (None if not published) and the count found in the folder."""

    published: int | None
    here: int

    @property
    def differs(self) -> bool:
        """Whether the two counts differ; False if none is published."""
        return self.published is not None and self.published != self.here


@dataclass(frozen=True)
class CorpusCheck:
    """Result of `check_corpus`.

    Parameters
    ----------
    corpus, root, source : str
        Name of the corpus, its folder, and where its counts are published.
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
        absent = [name for name, count in self.speakers.items() if count.differs or count.here == 0]
        missing = [name for name in absent if not self.speakers[name].here]
        lines = [f"speakers missing: {', '.join(missing)}"] if missing else []
        lines += [_line(f"speaker {name}", self.speakers[name]) for name in absent if name not in missing]
        lines += [_line(f"class {name}", count) for name, count in self.classes.items() if count.differs]
        named = (("utterances", self.utterances), ("cut to length", self.cut), ("copies", self.copies))
        lines += [_line(name, count) for name, count in named if count.differs]
        other = {rate: n for rate, n in self.rates.items() if self.rate not in (None, rate)}
        lines += [f"sampling rate: {n} recordings at {rate:,} Hz, published {self.rate:,}" for rate, n in other.items()]
        return lines + [f"unusable: {path}: {reason}" for path, reason in self.unusable.items()]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-compatible values."""
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
    """Return the length in samples of a recording after resampling, before padding or cutting."""
    return math.ceil(samples * (float(settings.sample_rate) / rate))


def check_corpus(name: str, root: Path, *, progress: bool = True) -> CorpusCheck:
    """Read every recording of a corpus and compare the counts with the published ones.

    Raises
    ------
    ConfigError
        If `name` is not a corpus.
    CorpusError
        If the folder does not contain the corpus, or file names cannot be decoded.
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
