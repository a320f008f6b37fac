"""Copies of recordings in a corpus folder: each recording is used once, and what was read from where is said."""

import filecmp
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from plb_ablate.core.errors import CorpusError
from plb_ablate.data.corpus import Utterance

__all__ = ["without_copies"]

SHOWN = 3
"""Most copies that a note names; further ones are counted."""

MOST_PROBLEMS = 20
"""Most pairs of different recordings that an error names."""


def without_copies(
    dataset: str, root: Path, utterances: Sequence[Utterance]
) -> tuple[tuple[Utterance, ...], tuple[str, ...]]:
    """Keep one utterance for each place in the official layout: the first.

    Parameters
    ----------
    dataset : str
        Name of the corpus.
    root : Path
        Folder of the corpus.
    utterances : sequence of Utterance
        All that were found, in published order.

    Returns
    -------
    utterances : tuple of Utterance
        Those that are kept, in the same order.
    notes : tuple of str
        Sentences on the folders that were read, if not only `root` itself, and on the copies left out.

    Raises
    ------
    CorpusError
        If recordings with the same place differ in content or label.
    """
    kept: dict[str, Utterance] = {}
    copies: list[tuple[Utterance, Utterance]] = []
    for utterance in utterances:
        first = kept.setdefault(utterance.official_path or str(utterance.path), utterance)
        if first is not utterance:
            copies.append((first, utterance))
    _check_same(dataset, root, copies)
    read = Counter(_container(utterance, root) for utterance in kept.values())
    notes = [] if set(read) <= {root} else [f"{dataset}: read {_counts(read)}."]
    left_out: dict[Path, list[Utterance]] = {}
    for _, copy in copies:
        left_out.setdefault(_container(copy, root), []).append(copy)
    notes += [f"{dataset}: {_left_out(folder, group)}" for folder, group in left_out.items()]
    return tuple(kept.values()), tuple(notes)


def _container(utterance: Utterance, root: Path) -> Path:
    """Return the folder below which a recording lies as in the official layout; `root` or a folder in it."""
    if not utterance.official_path:
        return root
    folder = utterance.path.parent
    for name in reversed(PurePosixPath(utterance.official_path).parts[:-1]):
        if folder == root or folder.name.lower() != name.lower():
            break
        folder = folder.parent
    return folder


def _counts(read: Counter[Path]) -> str:
    return ", ".join(f"{_many(number, 'recording')} in {folder}" for folder, number in read.items())


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + "s" * (number != 1)


def _left_out(folder: Path, copies: Sequence[Utterance]) -> str:
    names = ", ".join(copy.official_path for copy in copies[:SHOWN])
    rest = f" and {len(copies) - SHOWN:,} more" if len(copies) > SHOWN else ""
    noun = "copy" if len(copies) == 1 else "copies"
    return f"{len(copies):,} {noun} in {folder} not counted again: {names}{rest}."


def _check_same(dataset: str, root: Path, pairs: Iterable[tuple[Utterance, Utterance]]) -> None:
    problems = [f"  {first.path} and {copy.path}: {why}" for first, copy in pairs if (why := _difference(first, copy))]
    if problems:
        more = [f"  and {len(problems) - MOST_PROBLEMS:,} more"] if len(problems) > MOST_PROBLEMS else []
        number = _many(len(problems), "recording")
        raise CorpusError(
            f"dataset={dataset}: dataset.root={root} contains {number} twice, but not the same:\n"
            + "\n".join([*problems[:MOST_PROBLEMS], *more])
            + "\nRemove those that are wrong, or set dataset.root to the folder of one of the two."
        )


def _difference(first: Utterance, copy: Utterance) -> str:
    """Say how two recordings of the same name differ; empty if they are copies."""
    if first.label != copy.label:
        return "different labels"
    try:
        same = first.path.samefile(copy.path) or filecmp.cmp(first.path, copy.path, shallow=False)
    except OSError as error:
        return f"{error.filename} cannot be read ({error.strerror})"
    return "" if same else "different content"
