"""The rule for which files of a folder are recordings; corpus readers and ``predict`` share it."""

from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from plb_ablate.core.errors import CorpusError

__all__ = ["find_recordings", "is_hidden", "subfolders"]


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is no data: hidden, or what macOS adds to archives (``__MACOSX``, ``._*``).

    Examples
    --------
    >>> is_hidden("._03a01Fa.wav"), is_hidden("__MACOSX"), is_hidden("03a01Fa.wav")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() == "__macosx"


def find_recordings(folder: Path, endings: Collection[str] = (), *, recursive: bool = False) -> list[Path]:
    """Find the recordings in a folder, sorted by name.

    A recording is a file whose ending, in any case, is an audio format and that is not hidden (see `is_hidden`). A link
    to a missing file counts, so that reading it reports the problem.

    Parameters
    ----------
    folder : Path
        Folder to search; a missing one has no recordings.
    endings : collection of str
        Allowed endings in lower case, for example ``.wav``; by default those of all formats that libsndfile reads.
    recursive : bool
        Whether to search folders below it too, also through symbolic links.

    Raises
    ------
    CorpusError
        If a folder cannot be read.
    """
    allowed = endings or _audio_endings()
    folders = _tree(folder) if recursive else iter([folder])
    return [path for each in folders for path in _entries(each) if path.suffix.lower() in allowed and not path.is_dir()]


def subfolders(folder: Path) -> list[Path]:
    """List the folders in a folder, sorted by name, without hidden ones.

    Raises
    ------
    CorpusError
        If the folder cannot be read.
    """
    return [path for path in _entries(folder) if path.is_dir()]


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    try:
        return sorted(path for path in folder.iterdir() if not is_hidden(path.name))
    except OSError as error:
        raise CorpusError(f"the folder {folder} cannot be read ({error.strerror}). Change its permissions.") from None


def _tree(folder: Path) -> Iterator[Path]:
    """Yield a folder and all folders below it, each once even if links form a cycle."""
    seen: set[Path] = set()
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        if (place := here.resolve()) not in seen:
            seen.add(place)
            yield here
            waiting += subfolders(here)


@cache
def _audio_endings() -> frozenset[str]:
    import soundfile

    return frozenset({f".{name.lower()}" for name in soundfile.available_formats()} | {".aif", ".oga", ".opus"})
