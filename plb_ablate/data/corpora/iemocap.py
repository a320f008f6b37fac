"""Interactive Emotional Dyadic Motion Capture database (IEMOCAP).

C. Busso et al., Language Resources and Evaluation 42, 2008, https://sail.usc.edu/iemocap. Labels come from
``Session1/dialog/EmoEvaluation/Ses01F_impro01.txt``, in lines such as
``[6.2901 - 8.2357]<tab>Ses01F_impro01_F000<tab>neu<tab>[2.5000, 2.5000, 2.5000]``, the recording from
``Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav``.
"""

import re
from pathlib import Path
from typing import NamedTuple

from plb_ablate.core.errors import CorpusError
from plb_ablate.data.corpus import Grouping, Utterance
from plb_ablate.data.folder_layout import child, collect, folders_named, layout_error, wav_files
from plb_ablate.data.recording_files import is_hidden
from plb_ablate.data.reference_counts import ReferenceCounts

__all__ = ["CLASSES", "EMOTIONS", "GROUPING", "LEFT_OUT", "REFERENCE_COUNTS", "Turn", "decode", "list_utterances"]

EMOTIONS = {"ang": "angry", "neu": "neutral", "sad": "sad", "hap": "happy", "exc": "happy"}
"""Class for each label that is used; happiness and excitement form one class."""

LEFT_OUT = ("fru", "sur", "fea", "dis", "oth", "xxx")
"""Labels whose utterances are excluded: too few utterances, or no agreement between annotators."""

CLASSES = ("angry", "neutral", "sad", "happy")
"""Class names in label order: the position is the label."""

GENDERS = {f"Ses{session:02d}{gender}": gender for session in range(1, 6) for gender in "FM"}
"""Gender of each speaker: the last letter of the identifier."""

GROUPING: Grouping = "session"
"""A group is one of the 5 sessions, a woman and a man: leave one session out."""

REFERENCE_COUNTS = ReferenceCounts(
    source="table 3 of the published study; official recordings at 16 kHz",
    classes=(1103, 1708, 1084, 1636),
    speakers=dict.fromkeys(GENDERS),
    rate=16_000,
    cut=2022,
    genders=GENDERS,
)
"""Published counts; counts per speaker are not published."""

EXPECTED = (
    "<root>/Session1/dialog/EmoEvaluation/*.txt and <root>/Session1/sentences/wav/<dialog>/<turn>.wav "
    "(Session1 to Session5), as released by https://sail.usc.edu/iemocap"
)
WAVS = ("sentences", "wav")
LINE = re.compile(r"\[\s*\d+\.\d+\s*-\s*\d+\.\d+\s*\]\s+(?P<turn>\S+)\s+(?P<emotion>\S+)\s+\[.*\]")
RATINGS = re.compile(r"_(cat|atr)$", re.IGNORECASE)
"""Ends of the names of files with the ratings of single annotators, as in ``Categorical/Ses01F_impro01_e2_cat.txt``."""

TURN = re.compile(r"(?P<dialog>(?P<session>Ses\d\d)[FM]_\w+)_(?P<gender>[FM])\w{3}")


class Turn(NamedTuple):
    """Information decoded from an evaluation line; `label` is None for an excluded label."""

    name: str
    label: int | None
    dialog: str
    session: str
    gender: str

    @property
    def speaker(self) -> str:
        """Session and gender of the turn; each session has one female and one male speaker."""
        return self.session + self.gender


class _Line(NamedTuple):
    file: Path
    number: int
    text: str


def decode(line: str) -> Turn:
    """Decode an evaluation line.

    Parameters
    ----------
    line : str
        A line that starts with ``[``, without the line ending.

    Returns
    -------
    Turn
        Name of the turn, label, dialog, session (``Ses01``) and gender of the speaker.

    Raises
    ------
    CorpusError
        If the line or the name of the turn cannot be parsed, or the label is unknown.
    """
    parts = LINE.fullmatch(line.strip())
    if parts is None:
        raise CorpusError(f"{line!r} is not an evaluation line ([start - end], turn, label, [v, a, d])")
    turn = TURN.fullmatch(parts["turn"])
    if turn is None:
        raise CorpusError(f"turn {parts['turn']!r} is not a name of this corpus; names look like Ses01F_impro01_F000")
    emotion = parts["emotion"]
    if emotion not in EMOTIONS and emotion not in LEFT_OUT:
        allowed = ", ".join((*EMOTIONS, *LEFT_OUT))
        raise CorpusError(f"label {emotion!r} of {parts['turn']} is unknown; allowed are {allowed}")
    label = CLASSES.index(EMOTIONS[emotion]) if emotion in EMOTIONS else None
    return Turn(parts["turn"], label, turn["dialog"], turn["session"], turn["gender"])


def list_utterances(root: Path) -> list[Utterance]:
    """List the utterances of the four classes, ordered by session, evaluation file and line.

    Parameters
    ----------
    root : Path
        Folder that contains ``Session1`` to ``Session5``, directly or up to two levels deeper, as in
        ``IEMOCAP_full_release``.

    Returns
    -------
    list of Utterance
        A recording that lies in several releases is in it several times.

    Raises
    ------
    CorpusError
        If the folder contains no evaluation files or no recordings, or if lines cannot be decoded or their recordings
        are missing (all such lines are listed).
    """
    sessions = folders_named(root, "session[1-5]")
    files = [file for session in sessions for file in _evaluation_files(session)]
    if not files or not any(child(session, *WAVS).is_dir() for session in sessions):
        raise layout_error("iemocap", root, EXPECTED)
    files.sort(key=lambda file: (file.parents[2].name.lower(), file.stem + ".txt"))
    lines = [line for file in files for line in _evaluation_lines(file)]
    decoded = collect("iemocap", root, lines, _utterance)
    utterances = [utterance for utterance in decoded if utterance is not None]
    if not utterances:
        raise layout_error("iemocap", root, EXPECTED)
    return utterances


def _evaluation_files(session: Path) -> list[Path]:
    """Return the files with the labels of a session, without hidden files and the ratings of single annotators."""
    folder = child(session, "dialog", "EmoEvaluation")
    files = folder.iterdir() if folder.is_dir() else ()
    labels = (file for file in files if file.suffix.lower() == ".txt" and not is_hidden(file.name))
    return sorted(file for file in labels if not RATINGS.search(file.stem))


def _evaluation_lines(file: Path) -> list[_Line]:
    text = file.read_text(encoding="utf-8", errors="replace")
    return [_Line(file, number, line) for number, line in enumerate(text.splitlines(), 1) if line.startswith("[")]


def _utterance(line: _Line) -> Utterance | None:
    where = f"{line.file.name}, line {line.number}"
    try:
        turn = decode(line.text)
    except CorpusError as error:
        raise CorpusError(f"{where}: {error}") from None
    if turn.dialog != line.file.stem:
        raise CorpusError(f"{where}: turn {turn.name} belongs to the dialog {turn.dialog}, not to this file")
    if turn.label is None:
        return None
    session = line.file.parents[2]
    path = _recording(child(session, *WAVS) / turn.dialog, turn.name)
    if path is None:
        missing = session.joinpath(*WAVS, turn.dialog, f"{turn.name}.wav")
        raise CorpusError(f"{where}: the recording {missing} is missing")
    official = "/".join((session.name.capitalize(), *WAVS, turn.dialog, f"{turn.name}.wav"))
    return Utterance(path, turn.label, turn.speaker, turn.session, turn.gender, official)


def _recording(folder: Path, turn: str) -> Path | None:
    """Return the recording of a turn, whatever the case of its ending."""
    path = folder / f"{turn}.wav"
    return path if path.is_file() else next((other for other in wav_files(folder) if other.stem == turn), None)
