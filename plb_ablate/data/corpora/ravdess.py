"""Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS): ``Actor_12/03-01-06-01-02-01-12.wav``.

S. R. Livingstone and F. A. Russo, PLoS ONE 13(5): e0196391, 2018, https://zenodo.org/records/1188976.
A file name consists of modality, vocal channel, emotion, intensity, statement, repetition and actor. Only speech
without video (modality 03, channel 01) is read; songs in the same folders are ignored.
"""

from pathlib import Path
from typing import NamedTuple

from plb_ablate.core.errors import CorpusError
from plb_ablate.data.corpus import Grouping, Utterance
from plb_ablate.data.folder_layout import collect, folders_named, layout_error, wav_files
from plb_ablate.data.reference_counts import ReferenceCounts

__all__ = ["CLASSES", "EMOTIONS", "GROUPING", "REFERENCE_COUNTS", "Name", "decode", "list_utterances"]

EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
"""Class for each emotion code, in label order."""

CLASSES = tuple(EMOTIONS.values())
"""Class names in label order: the position is the label."""

FIELDS = {
    "modality": ("01", "02", "03"),
    "channel": ("01", "02"),
    "emotion": tuple(EMOTIONS),
    "intensity": ("01", "02"),
    "statement": ("01", "02"),
    "repetition": ("01", "02"),
    "actor": tuple(f"{actor:02d}" for actor in range(1, 25)),
}
"""Allowed values of each field of a file name, in order."""

GENDERS = {actor: "M" if int(actor) % 2 else "F" for actor in FIELDS["actor"]}
"""Gender of each actor: actors with odd numbers are male."""

GROUPING: Grouping = "gender"
"""As many men as women in each group. 12 of each cannot be divided evenly into 10 folds, so ``n_splits=10`` gives 12
folds of one man and one woman: 12 is the common divisor nearest to 10. Six actors give 3 such folds."""

REFERENCE_COUNTS = ReferenceCounts(
    source="table 2 of the published study; 60 recordings per actor at 48 kHz according to its authors",
    classes=(96, *[192] * 7),
    speakers=dict.fromkeys(FIELDS["actor"], 60),
    rate=48_000,
    cut=34,
    copies=1,
    genders=GENDERS,
)
"""Published counts. One recording of actor 07 was distributed twice."""

EXPECTED = (
    "<root>/Actor_01/03-01-01-01-01-01-01.wav, ... (24 actors, 1440 files), as unpacked from "
    "Audio_Speech_Actors_01-24.zip of https://zenodo.org/records/1188976"
)


class Name(NamedTuple):
    """Information decoded from a file name."""

    label: int
    speaker: str
    gender: str
    is_speech: bool


def decode(name: str) -> Name:
    """Decode a file name.

    Parameters
    ----------
    name : str
        For example ``03-01-06-01-02-01-12.wav``: fearful (06), actor 12.

    Returns
    -------
    Name
        Label, speaker, gender (actors with odd numbers are male) and whether it is speech without video.

    Raises
    ------
    CorpusError
        If the name does not have seven fields, or one of them has an unknown value.
    """
    values = Path(name).stem.split("-")
    if len(values) != len(FIELDS):
        raise CorpusError(f"{name}: not a file name of this corpus; names look like 03-01-06-01-02-01-12.wav")
    for (field, allowed), value in zip(FIELDS.items(), values, strict=True):
        if value not in allowed:
            raise CorpusError(f"{name}: {field} {value!r} is unknown; allowed are {', '.join(allowed)}")
    modality, channel, emotion, *_, actor = values
    label = CLASSES.index(EMOTIONS[emotion])
    return Name(label, actor, GENDERS[actor], (modality, channel) == ("03", "01"))


def list_utterances(root: Path) -> list[Utterance]:
    """List the speech utterances, ordered by actor and file name.

    Parameters
    ----------
    root : Path
        Folder that contains ``Actor_01`` to ``Actor_24``, directly or up to two levels deeper, as in the folder of the
        official archive; the case of these names does not matter.

    Returns
    -------
    list of Utterance
        A recording that lies in several of these folders is in it several times.

    Raises
    ------
    CorpusError
        If the folder contains no recordings, or if file names cannot be decoded (all of them are listed).
    """
    files = [path for folder in folders_named(root, "actor_.*") for path in wav_files(folder)]
    decoded = collect("ravdess", root, files, _utterance)
    utterances = [utterance for utterance in decoded if utterance is not None]
    if not utterances:
        raise layout_error("ravdess", root, EXPECTED)
    return sorted(utterances, key=lambda utterance: utterance.official_path)


def _utterance(path: Path) -> Utterance | None:
    name = decode(path.name)
    folder = f"Actor_{name.speaker}"
    if path.parent.name.lower() != folder.lower():
        raise CorpusError(f"{path.name}: actor {name.speaker} is in {path.parent.name}, not in {folder}")
    if not name.is_speech:
        return None
    official = f"{folder}/{path.stem}.wav"
    return Utterance(path, name.label, name.speaker, name.speaker, name.gender, official)
