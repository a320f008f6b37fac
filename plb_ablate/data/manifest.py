"""A corpus as a table of recordings: ``dataset=manifest dataset.file=my.csv``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from plb_ablate.config.dataset import Dataset
from plb_ablate.data.corpus import Corpus
from plb_ablate.data.entries import Entry, Problems, corpus_of
from plb_ablate.data.table_file import read_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_manifest"]

OTHER_NAMES = {"path": "file", "label": "emotion"}
"""Names of required columns in audformat (https://audeering.github.io/audformat), by the names used here."""

OPTIONAL = ("speaker", "session", "gender", "fold")

NEEDED = {"speaker": "speaker", "predefined": "fold"}
"""The column that a protocol needs beside the path and the label."""

GENDERS = {"f": "F", "female": "F", "m": "M", "male": "M"}
"""How the gender of a speaker is written here, by how tables write it in any case; other values stay as they are."""

START = ("", "0", "0.0", "0 days", "0 days 00:00:00")
"""Ways to write in a table that an utterance starts where its recording starts."""


def read_manifest(dataset: Dataset, protocol: str = "") -> Corpus:
    """Read a table of recordings, without decoding audio.

    Parameters
    ----------
    dataset : Dataset
        With the table as `dataset.file`: the columns ``path`` and ``label``, or audformat's ``file`` and ``emotion``;
        ``speaker``, ``session``, ``gender`` and ``fold`` where they are known. Other columns are not read.
    protocol : str
        Name of the protocol that the corpus is read for, whose column must be there; empty for none.

    Returns
    -------
    Corpus
        Utterances in the order of the rows.

    Raises
    ------
    CorpusError
        If the table cannot be read, or anything in it is wrong (see `plb_ablate.data.entries.corpus_of`): all is listed
        together, with the rows.
    """
    file = Path(str(dataset.file))
    table = read_table(file)
    problems, source = Problems(), f"dataset.file={file}"
    names = {name: _column(table, name) for name in OTHER_NAMES}
    _check_columns(table, names, protocol, problems)
    if "" in names.values():
        problems.check(source)
    _check_parts(table, problems)
    entries = []
    for row, cells in zip(table.index, table.to_dict("records"), strict=True):
        where = f"row {row}"
        known = {name: str(cells.get(name, "")) for name in OPTIONAL}
        known["gender"] = GENDERS.get(known["gender"].lower(), known["gender"])
        if written := cells[names["path"]]:
            entries.append(Entry(where, _located(written, dataset.root), cells[names["label"]], **known))
        else:
            problems.add("empty paths", f"{where}: the path is empty")
    return corpus_of(dataset, entries, problems, source=source, protocol=protocol)


def _column(table: "pd.DataFrame", name: str) -> str:
    """Return the column that holds the paths or the labels; empty if there is none."""
    return next((column for column in (name, OTHER_NAMES[name]) if column in table.columns), "")


def _check_columns(table: "pd.DataFrame", names: dict[str, str], protocol: str, problems: Problems) -> None:
    has = ", ".join(map(str, table.columns))
    if len(table.columns) == 1 and (marks := [mark for mark in ";\t|" if mark in has]):
        has += f" (is it separated by {marks[0]!r}? Endings: .csv for commas, .tsv for tabs)"
    missing = [f"`{name}` (or `{OTHER_NAMES[name]}`)" for name, column in names.items() if not column]
    needed = NEEDED.get(protocol, "")
    if needed and (needed not in table.columns or not (table[needed] != "").any()):
        missing.append(f"`{needed}`, which protocol={protocol} needs,")
    for words in missing:
        problems.add("missing columns", f"row 1: the column {words} is missing or empty; the table has {has}")


def _check_parts(table: "pd.DataFrame", problems: Problems) -> None:
    """Note the rows that are a part of a recording: recordings are read whole."""
    for column, whole in (("start", START), ("end", ("", "NaT"))):
        if column in table.columns:
            for row, value in table.loc[~table[column].isin(whole), column].items():
                problems.add(
                    "parts of recordings",
                    f"row {row}: {column} {value!r} means a part, but recordings are read whole; cut them into files, "
                    "or remove the columns start and end",
                )


def _located(written: str, root: str) -> Path:
    """Return the recording that a cell names; a table from Windows may separate folders by backslashes."""
    path = Path(os.path.abspath(Path(root) / written))  # noqa: PTH100 - links stay as they are
    other = written.replace("\\", "/")
    return path if other == written or path.exists() else Path(os.path.abspath(Path(root) / other))  # noqa: PTH100
