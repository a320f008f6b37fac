"""The synthetic corpus: ``Speaker_01/01-anger-03.wav``, generated on first use and then read like any other corpus.

Three female and three male voices (see `plb_ablate.data.synthetic.speakers`) say six sentences of nonsense syllables in
four emotions. A file name consists of speaker, emotion and sentence. The files are byte-identical on every run.
"""

import json
import shutil
import tempfile
import wave
from pathlib import Path
from typing import NamedTuple

from plb_ablate.core.errors import ConfigError, CorpusError
from plb_ablate.core.progress_bar import with_progress
from plb_ablate.data.corpus import Grouping, Utterance
from plb_ablate.data.folder_layout import collect, layout_error, wav_files
from plb_ablate.data.reference_counts import ReferenceCounts
from plb_ablate.data.synthetic.formant_synthesis import RATE
from plb_ablate.data.synthetic.speakers import EMOTIONS, SENTENCES, SPEAKERS, perform

__all__ = ["CLASSES", "GROUPING", "REFERENCE_COUNTS", "Name", "decode", "ensure", "generate", "list_utterances"]

CLASSES = tuple(EMOTIONS)
"""Class names in label order: the position is the label."""

GROUPING: Grouping = "gender"
"""As many men as women in each group."""

REFERENCE_COUNTS = ReferenceCounts(
    source="its generator",
    classes=(len(SPEAKERS) * len(SENTENCES),) * len(EMOTIONS),
    speakers=dict.fromkeys(SPEAKERS, len(EMOTIONS) * len(SENTENCES)),
    rate=RATE,
    copies=0,
    genders={speaker: gender for speaker, (gender, _) in SPEAKERS.items()},
)
"""Counts of the corpus that `generate` creates by default."""

VERSION = 1
MARKER = "synthetic.json"
EXPECTED = "<root>/Speaker_01/01-anger-01.wav, ..., created on first use if dataset.root is missing or empty"


class Name(NamedTuple):
    """Information decoded from a file name."""

    label: int
    speaker: str
    gender: str
    sentence: str


def decode(name: str) -> Name:
    """Decode a file name.

    Parameters
    ----------
    name : str
        For example ``01-anger-03.wav``: speaker 01, anger, sentence 03.

    Raises
    ------
    CorpusError
        If the name does not have three fields, or one of them has an unknown value.
    """
    values = Path(name).stem.split("-")
    fields = {"speaker": tuple(SPEAKERS), "emotion": CLASSES, "sentence": tuple(SENTENCES)}
    if len(values) != len(fields):
        raise CorpusError(f"{name}: not a file name of this corpus; names look like 01-anger-03.wav")
    for (field, allowed), value in zip(fields.items(), values, strict=True):
        if value not in allowed:
            raise CorpusError(f"{name}: {field} {value!r} is unknown; allowed are {', '.join(allowed)}")
    speaker, emotion, sentence = values
    return Name(CLASSES.index(emotion), speaker, SPEAKERS[speaker][0], sentence)


def list_utterances(root: Path) -> list[Utterance]:
    """List the utterances, ordered by speaker and file name.

    Raises
    ------
    CorpusError
        If the folder contains no recordings, or if file names cannot be decoded (all of them are listed).
    """
    files = [path for folder in sorted(root.glob("Speaker_*")) for path in wav_files(folder)]
    if not files:
        raise layout_error("synthetic", root, EXPECTED)
    return collect("synthetic", root, files, _utterance)


def _utterance(path: Path) -> Utterance:
    name = decode(path.name)
    return Utterance(path, name.label, name.speaker, session=name.speaker, gender=name.gender)


def ensure(root: Path) -> None:
    """Create the corpus if it is missing or incomplete; a smaller one created by `generate` keeps its size.

    Raises
    ------
    CorpusError
        If `root` contains other files.
    """
    speakers, sentences = _size_made(root) or (len(SPEAKERS), len(SENTENCES))
    wanted = _relative_paths(speakers, sentences)
    if _size_made(root) is None or not all((root / path).is_file() for path in wanted):
        generate(root, speakers=speakers, sentences=sentences)


def generate(root: Path, *, speakers: int = len(SPEAKERS), sentences: int = len(SENTENCES)) -> None:
    """Synthesise the corpus (6 speakers x 4 emotions x 6 sentences: 144 recordings of 1.5 to 5 s).

    The recordings are created in a temporary folder next to `root` and moved to `root` once they are complete, so that
    several processes can do this at the same time.

    Parameters
    ----------
    root : Path
        Folder to fill: missing, empty, or an incomplete corpus of the same size.
    speakers, sentences : int
        Number of `SPEAKERS` and of `SENTENCES` to use, starting with the first.

    Raises
    ------
    ConfigError
        If there are fewer speakers or sentences than requested.
    CorpusError
        If `root` contains other files.
    """
    if not 1 <= speakers <= len(SPEAKERS) or not 1 <= sentences <= len(SENTENCES):
        raise ConfigError(
            f"speakers={speakers}, sentences={sentences} is invalid. Use 1 to {len(SPEAKERS)} speakers and "
            f"1 to {len(SENTENCES)} sentences."
        )
    _refuse_other_content(root, (speakers, sentences))
    root.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        staged = beside / root.name
        paths = _relative_paths(speakers, sentences)
        for path in with_progress(paths, "Synthesising speech", len(paths)):
            _write(staged / path)
        marker = {"version": VERSION, "speakers": speakers, "sentences": sentences}
        (staged / MARKER).write_text(json.dumps(marker) + "\n", encoding="utf-8")
        _move(staged, root, [*paths, Path(MARKER)])
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _relative_paths(speakers: int, sentences: int) -> list[Path]:
    return [
        Path(f"Speaker_{speaker}", f"{speaker}-{emotion}-{sentence}.wav")
        for speaker in list(SPEAKERS)[:speakers]
        for emotion in EMOTIONS
        for sentence in list(SENTENCES)[:sentences]
    ]


def _write(path: Path) -> None:
    speaker, emotion, sentence = path.stem.split("-")
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(perform(speaker, emotion, sentence).astype("<i2").tobytes())


def _move(staged: Path, root: Path, paths: list[Path]) -> None:
    """Rename the finished folder to `root`; if `root` exists, move the files one by one, the marker last."""
    try:
        staged.rename(root)
    except OSError:
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (staged / path).replace(root / path)


def _size_made(root: Path) -> tuple[int, int] | None:
    """Return the numbers of speakers and sentences of a corpus of this version in `root`, or None."""
    try:
        marker = json.loads((root / MARKER).read_text(encoding="utf-8"))
        return (int(marker["speakers"]), int(marker["sentences"])) if marker["version"] == VERSION else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refuse_other_content(root: Path, size: tuple[int, int]) -> None:
    """Raise an error if `root` contains files that `generate` did not create."""
    if not root.exists():
        return
    if not root.is_dir():
        raise layout_error("synthetic", root, EXPECTED)
    names = {path.name for path in root.iterdir() if not path.name.startswith(".")}
    ours = {MARKER, *(f"Speaker_{speaker}" for speaker in SPEAKERS)}
    if names - ours:
        raise layout_error("synthetic", root, EXPECTED)
    made = _size_made(root)
    if made is not None and made != size:
        raise CorpusError(
            f"dataset.root={root} contains a synthetic corpus of {made[0]} speakers and {made[1]} sentences, "
            f"not {size[0]} and {size[1]}. Delete it, or choose another dataset.root."
        )
