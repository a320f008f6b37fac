"""What every corpus reader does with a folder: find the recordings, and say clearly what is wrong with them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from plb_ablate.core.errors import CorpusError

__all__ = ["collect", "layout_error", "wav_files"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def wav_files(folder: Path) -> list[Path]:
    """List the recordings that lie directly in `folder`, sorted by name (hidden files are none)."""
    if not folder.is_dir():
        return []
    return sorted(
        (path for path in folder.iterdir() if path.suffix.lower() == ".wav" and not path.name.startswith(".")),
        key=lambda path: path.name,
    )


def layout_error(dataset: str, root: Path, expected: str) -> CorpusError:
    """Say that `root` does not hold a corpus.

    Parameters
    ----------
    dataset : str
        Name of the corpus, as in ``dataset=<name>``.
    root : Path
        Folder that was looked at.
    expected : str
        The layout that its authors distribute, and where they do.

    Returns
    -------
    CorpusError
        To be raised by the caller.
    """
    if not root.exists():
        state = "does not exist"
    elif not root.is_dir():
        state = "is not a folder"
    elif not any(root.iterdir()):
        state = "is empty"
    else:
        state = "holds no recordings in the layout of the corpus"
    return CorpusError(
        f"dataset.root={root} {state}. dataset={dataset} expects {expected}. "
        "Set dataset.root=<folder that holds the unpacked corpus>."
    )


def collect(dataset: str, root: Path, items: Iterable[Item], parse: Callable[[Item], Result]) -> list[Result]:
    """Apply `parse` to every item and report all that fail in one go.

    Raises
    ------
    CorpusError
        If `parse` raised it for one or more items; the message has a line for each.
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
            f"dataset={dataset}: {len(problems)} {noun} below dataset.root={root} cannot be read:\n"
            + "\n".join(problems)
            + "\nMove these away, or correct them."
        )
    return results
