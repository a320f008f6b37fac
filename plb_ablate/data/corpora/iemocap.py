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
from plb_ablate.data.corpus import Utterance
from plb_ablate.data.folder_layout import collect, layout_error
from plb_ablate.data.reference_counts import ReferenceCounts

__all__ = ["CLASSES", "EMOTIONS", "LEFT_OUT", "REFERENCE_COUNTS", "Turn", "decode", "list_utterances"]

EMOTIONS = {"ang": "angry", "neu": "neutral", "sad": "sad", "hap": "happy", "exc": "happy"}
"""Class of each label that is used; happiness and excitement are one class."""

LEFT_OUT = ("fru", "sur", "fea", "dis", "oth", "xxx")
"""Labels whose utterances are left out: too few of them, or no agreement."""

CLASSES = ("angry", "neutral", "sad", "happy")
"""Class names; position is label index."""

GENDERS = {f"Ses{session:02d}{gender}": gender for session in range(1, 6) for gender in "FM"}
"""Gender of each speaker: the last letter of the name."""

REFERENCE_COUNTS = ReferenceCounts(
    source="table 3 of the published study; recordings of its authors at 16 kHz",
    classes=(1103, 1708, 1084, 1636),
    speakers=dict.fromkeys(GENDERS),
    rate=16_000,
    cut=2022,
    genders=GENDERS,
)
"""Published counts; those of each speaker are not."""

EXPECTED = (
    "<root>/Session1/dialog/EmoEvaluation/*.txt and <root>/Session1/sentences/wav/<dialog>/<turn>.wav "
    "(Session1 to Session5), as released by https://sail.usc.edu/iemocap"
)
LINE = re.compile(r"\[\d+\.\d+ - \d+\.\d+\]\t(?P<turn>\S+)\t(?P<emotion>\S+)\t\[.*\]")
TURN = re.compile(r"(?P<dialog>(?P<session>Ses\d\d)[FM]_\w+)_(?P<gender>[FM])\w{3}")


class Turn(NamedTuple):
    """What an evaluation line says; `label` is None for a label that is left out."""

    name: str
    label: int | None
    dialog: str
    session: str
    gender: str

    @property
    def speaker(self) -> str:
        """Session and gender of the turn: each session has one woman and one man."""
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
        One that starts with ``[``, without the line end.

    Returns
    -------
    Turn
        Name of the turn, label index, dialog, session (``Ses01``) and gender of who speaks.

    Raises
    ------
    CorpusError
        If the line or the name of the turn does not parse, or the label is unknown.
    """
    parts = LINE.fullmatch(line.strip())
    if parts is None:
        raise CorpusError(f"{line!r} is not an evaluation line ([start - end], turn, label, [v, a, d])")
    turn = TURN.fullmatch(parts["turn"])
    if turn is None:
        raise CorpusError(f"turn {parts['turn']!r} is not a name of this corpus, which are like Ses01F_impro01_F000")
    emotion = parts["emotion"]
    if emotion not in EMOTIONS and emotion not in LEFT_OUT:
        allowed = ", ".join((*EMOTIONS, *LEFT_OUT))
        raise CorpusError(f"label {emotion!r} of {parts['turn']} is unknown; allowed are {allowed}")
    label = CLASSES.index(EMOTIONS[emotion]) if emotion in EMOTIONS else None
    return Turn(parts["turn"], label, turn["dialog"], turn["session"], turn["gender"])


def list_utterances(root: Path) -> list[Utterance]:
    """List the utterances of the four classes by session, evaluation file and line.

    Parameters
    ----------
    root : Path
        Folder that holds ``Session1`` to ``Session5``.

    Raises
    ------
    CorpusError
        If the folder holds no evaluations or no recordings, or if lines cannot be decoded or have no recording
        (all of them are listed).
    """
    files = sorted(root.glob("Session[1-5]/dialog/EmoEvaluation/[!.]*.txt"))
    if not files or not any(root.glob("Session[1-5]/sentences/wav")):
        raise layout_error("iemocap", root, EXPECTED)
    lines = [line for file in files for line in _evaluation_lines(file)]
    found = collect("iemocap", root, lines, _utterance)
    utterances = [utterance for utterance in found if utterance is not None]
    if not utterances:
        raise layout_error("iemocap", root, EXPECTED)
    return utterances


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
        raise CorpusError(f"{where}: turn {turn.name} belongs to {turn.dialog}, not to this dialog")
    if turn.label is None:
        return None
    path = line.file.parents[2] / "sentences" / "wav" / turn.dialog / f"{turn.name}.wav"
    if not path.is_file():
        raise CorpusError(f"{where}: the recording {path} of this line is missing")
    return Utterance(path, turn.label, turn.speaker, session=turn.session, gender=turn.gender)
