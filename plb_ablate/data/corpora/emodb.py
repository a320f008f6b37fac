"""Berlin Database of Emotional Speech (EMO-DB): ``wav/03a01Fa.wav``.

F. Burkhardt et al., "A database of German emotional speech", Interspeech 2005, http://emodb.bilderbar.info.
A file name consists of speaker (2 digits), sentence (3 characters), emotion (1 letter, German), version (1 letter).
"""

import re
from pathlib import Path
from typing import NamedTuple

from natsort import natsorted

from plb_ablate.core.errors import CorpusError
from plb_ablate.data.corpus import Grouping, Utterance
from plb_ablate.data.folder_layout import collect, folders_named, layout_error, wav_files
from plb_ablate.data.reference_counts import ReferenceCounts

__all__ = ["CLASSES", "EMOTIONS", "GROUPING", "REFERENCE_COUNTS", "SPEAKERS", "Name", "decode", "list_utterances"]

EMOTIONS = {
    "L": "boredom",  # Langeweile
    "A": "fear",  # Angst
    "E": "disgust",  # Ekel
    "F": "happiness",  # Freude
    "T": "sadness",  # Trauer
    "W": "anger",  # Wut
    "N": "neutral",
}
"""Class for each emotion letter, in label order."""

SPEAKERS = {
    "03": "M",
    "08": "F",
    "09": "F",
    "10": "M",
    "11": "M",
    "12": "M",
    "13": "F",
    "14": "F",
    "15": "M",
    "16": "F",
}
"""Gender of each speaker."""

CLASSES = tuple(EMOTIONS.values())
"""Class names in label order: the position is the label."""

GROUPING: Grouping = "speaker"
"""Each of the 10 speakers is a group: leave one speaker out."""

REFERENCE_COUNTS = ReferenceCounts(
    source="table 2 of the published study; official recordings at 16 kHz",
    classes=(81, 69, 46, 71, 62, 127, 79),
    speakers=dict.fromkeys(SPEAKERS),
    rate=16_000,
    cut=28,
    genders=SPEAKERS,
)
"""Published counts; counts per speaker are not published."""

EXPECTED = "<root>/wav/03a01Fa.wav, ... (535 files), as unpacked from http://emodb.bilderbar.info/download/download.zip"
PATTERN = re.compile(r"(?P<speaker>\d\d)(?P<sentence>[a-z]\d\d)(?P<emotion>[A-Za-z])(?P<version>[a-z])")


class Name(NamedTuple):
    """Information decoded from a file name."""

    label: int
    speaker: str
    gender: str
    sentence: str
    version: str


def decode(name: str) -> Name:
    """Decode a file name.

    Parameters
    ----------
    name : str
        For example ``03a01Fa.wav``: speaker 03, sentence a01, happiness (F), version a.

    Returns
    -------
    Name
        Label, speaker and the other fields.

    Raises
    ------
    CorpusError
        If the name cannot be parsed, or its emotion or speaker is unknown.
    """
    match = PATTERN.fullmatch(Path(name).stem)
    if match is None:
        raise CorpusError(f"{name}: not a file name of this corpus; names look like 03a01Fa.wav")
    speaker, emotion = match["speaker"], match["emotion"]
    if emotion not in EMOTIONS:
        allowed = ", ".join(f"{letter} {label}" for letter, label in EMOTIONS.items())
        raise CorpusError(f"{name}: emotion {emotion!r} is unknown; allowed are {allowed}")
    if speaker not in SPEAKERS:
        raise CorpusError(f"{name}: speaker {speaker!r} is unknown; allowed are {', '.join(SPEAKERS)}")
    label = CLASSES.index(EMOTIONS[emotion])
    return Name(label, speaker, SPEAKERS[speaker], match["sentence"], match["version"])


def list_utterances(root: Path) -> list[Utterance]:
    """List the utterances in natural order of their file names.

    Parameters
    ----------
    root : Path
        Folder that contains ``wav/``, directly or up to two levels deeper, or the recordings themselves.

    Returns
    -------
    list of Utterance
        A recording that lies in several of these folders is in it several times.

    Raises
    ------
    CorpusError
        If the folder contains no recordings, or if file names cannot be decoded (all of them are listed).
    """
    files = [path for folder in folders_named(root, "wav") for path in wav_files(folder)]
    files += _beside(root, all_of_them=not files)
    if not files:
        raise layout_error("emodb", root, EXPECTED)
    return collect("emodb", root, natsorted(files, key=lambda path: f"{path.stem}.wav"), _utterance)


def _beside(root: Path, *, all_of_them: bool) -> list[Path]:
    """Return the recordings directly in `root`, if names of this corpus are among them, with or without other files."""
    files = wav_files(root)
    named = [path for path in files if PATTERN.fullmatch(path.stem)]
    return files if all_of_them and named else named


def _utterance(path: Path) -> Utterance:
    name = decode(path.name)
    return Utterance(path, name.label, name.speaker, name.speaker, name.gender, f"wav/{path.stem}.wav")
