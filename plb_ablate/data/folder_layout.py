"""Shared by all corpus readers: find the recordings in a folder and report what is wrong with them."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from plb_ablate.core.errors import CorpusError
from plb_ablate.data.recording_files import find_recordings, subfolders

__all__ = ["child", "collect", "folders_named", "layout_error", "wav_files"]

LEVELS = 3
"""Levels of folders below the root in which the folders of a corpus are looked for."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def wav_files(folder: Path) -> list[Path]:
    """List the WAV files directly in `folder`, sorted by name, without hidden files."""
    return find_recordings(folder, (".wav",))


def folders_named(root: Path, pattern: str) -> list[Path]:
    """Find the folders whose name matches `pattern`, ignoring case, in `root` or up to two levels deeper.

    Parameters
    ----------
    root : Path
        Folder of the corpus.
    pattern : str
        Regular expression for the whole name.

    Returns
    -------
    list of Path
        The least deep first, then sorted by path; nothing hidden.
    """
    found: list[Path] = []
    level = subfolders(root)
    for _ in range(LEVELS):
        found += [folder for folder in level if re.fullmatch(pattern, folder.name, re.IGNORECASE)]
        level = [below for folder in level for below in _readable_subfolders(folder)]
    return found


def _readable_subfolders(folder: Path) -> list[Path]:
    with suppress(CorpusError):  # a foreign folder, such as lost+found
        return subfolders(folder)
    return []


def child(folder: Path, *names: str) -> Path:
    """Return the folder with these names, one below the other, in any case; as written here if there is none."""
    for name in names:
        exact = folder / name
        same = [] if exact.exists() else [path for path in subfolders(folder) if path.name.lower() == name.lower()]
        folder = same[0] if same else exact
    return folder


def layout_error(dataset: str, root: Path, expected: str) -> CorpusError:
    """Create the error for a folder that does not contain the corpus.

    Parameters
    ----------
    dataset : str
        Name of the corpus, as in ``dataset=<name>``.
    root : Path
        Folder that was read.
    expected : str
        The official layout, and where the corpus is distributed.

    Returns
    -------
    CorpusError
        For the caller to raise.
    """
    if not root.exists():
        state = "does not exist"
    elif not root.is_dir():
        state = "is not a folder"
    elif not any(root.iterdir()):
        state = "is empty"
    else:
        state = "contains no recordings in the layout of the corpus"
    return CorpusError(
        f"dataset.root={root} {state}. dataset={dataset} expects {expected}. "
        "Set dataset.root=<folder that contains the unpacked corpus>."
    )


def collect(dataset: str, root: Path, items: Iterable[Item], parse: Callable[[Item], Result]) -> list[Result]:
    """Apply `parse` to every item and report all failures together.

    Raises
    ------
    CorpusError
        If `parse` raised it for one or more items; the message has one line for each.
    """
    results, problems = [], []
    for item in items:
        try:
            results.append(parse(item))
        except CorpusError as error:
            problems.append(f"  {error}")
    if problems:
        noun = "entry" if len(problems) == 1 else "entries"
        raise CorpusError(
            f"dataset={dataset}: {len(problems)} {noun} in dataset.root={root} cannot be read:\n"
            + "\n".join(problems)
            + "\nRemove or correct them."
        )
    return results
