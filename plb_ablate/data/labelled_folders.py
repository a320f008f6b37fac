"""A corpus as a folder for each label: ``dataset=folders``, ``<root>/<label>/**/<recording>``."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from plb_ablate.config.dataset import Dataset
from plb_ablate.data.corpus import Corpus
from plb_ablate.data.entries import Entry, Problems, corpus_of
from plb_ablate.data.folder_layout import layout_error
from plb_ablate.data.recording_files import find_recordings, is_hidden, subfolders

__all__ = ["read_folders"]

EXPECTED = "a folder for each label with recordings in it, such as <root>/happy/03_a.wav or <root>/happy/anna/1.flac"


def read_folders(dataset: Dataset, protocol: str = "") -> Corpus:
    """Find the recordings of a folder, without decoding audio.

    Parameters
    ----------
    dataset : Dataset
        `dataset.root` contains a folder for each label; recordings may lie deeper in it. `dataset.speaker_pattern`
        finds the speaker in the path of a recording below the folder of its label: ``03_a.wav`` or ``anna/1.flac``.
    protocol : str
        Name of the protocol that the corpus is read for; empty for none.

    Returns
    -------
    Corpus
        Utterances sorted by their paths. What was not read is counted in its notes.

    Raises
    ------
    CorpusError
        If there are no recordings, or anything is wrong with them: all is listed together.
    """
    root = Path(os.path.abspath(dataset.root))  # noqa: PTH100 - links stay as they are
    found = {folder: find_recordings(folder, recursive=True) for folder in subfolders(root)}
    if not any(found.values()):
        raise layout_error("folders", root, EXPECTED)
    problems = Problems()
    if protocol == "speaker" and dataset.speaker_pattern is None:
        problems.add("no speakers", r"protocol=speaker needs dataset.speaker_pattern, such as '(\d+)_'")
    if protocol == "predefined":
        problems.add("no folds", "protocol=predefined needs a table with the column `fold`: dataset=manifest")
    for path in find_recordings(root):
        problems.add("no label", f"{path.name}: lies beside the folders of the labels, and so has no label")
    entries = []
    for folder, paths in found.items():
        for path in sorted(paths, key=lambda path: path.relative_to(root).as_posix()):
            place, name = path.relative_to(root).as_posix(), path.relative_to(folder).as_posix()
            speaker = _speaker(name, dataset.speaker_pattern)
            if dataset.speaker_pattern is not None and not speaker:
                words = f"{place}: dataset.speaker_pattern={dataset.speaker_pattern!r} finds no speaker in {name!r}"
                problems.add("no match of dataset.speaker_pattern", words)
                speaker = place
            entries.append(Entry(place, path, folder.name, speaker))
    notes = _not_read(dataset.name, found)
    return corpus_of(dataset, entries, problems, source=f"dataset.root={root}", protocol=protocol, notes=notes)


def _speaker(name: str, pattern: str | None) -> str:
    match = re.search(pattern, name) if pattern is not None else None
    return (match[1] or "") if match else ""


def _not_read(name: str, found: dict[Path, list[Path]]) -> list[str]:
    """Say which folders have no recordings, and which files are none."""
    empty = [folder.name for folder, paths in found.items() if not paths]
    notes = [f"{name}: no recordings in {', '.join(empty)}: no label."] if empty else []
    read = {path for paths in found.values() for path in paths}
    others = Counter(path.suffix.lower() or path.name for path in _files(found) if path not in read)
    if others:
        kinds = ", ".join(f"{ending} ({count:,})" for ending, count in others.most_common())
        notes.append(f"{name}: files that libsndfile does not read are left out: {kinds}.")
    return notes


def _files(folders: Iterable[Path]) -> Iterable[Path]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder).parts
            if path.is_file() and not any(map(is_hidden, inside)):
                yield path
