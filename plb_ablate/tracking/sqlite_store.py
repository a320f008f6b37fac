"""An MLflow store that is an SQLite file: found, checked, prepared, and the folder of its artifacts."""

import contextlib
import sqlite3
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from plb_ablate.core.errors import StoreError

__all__ = [
    "absolute_uri",
    "artifact_folder",
    "check_readable",
    "check_writable",
    "has_tables",
    "moved_artifacts",
    "sqlite_file",
    "use_write_ahead_log",
]

_ARTIFACTS = "mlruns"
"""Folder of the artifacts beside the database, as MLflow itself calls it."""


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite store; None for any other store."""
    if not uri.startswith("sqlite:"):
        return None
    from sqlalchemy import make_url

    database = make_url(uri).database
    return Path(database).resolve() if database else None


def absolute_uri(uri: str) -> str:
    """Return the URI with a relative SQLite file made absolute."""
    file = sqlite_file(uri)
    return f"sqlite:///{file}" if file else uri


def has_tables(file: Path) -> bool:
    """Whether an existing database has the tables of an MLflow store."""
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        found = database.execute("select 1 from sqlite_master where name = 'experiments'").fetchone()
    return found is not None


def check_readable(file: Path, way_out: str) -> None:
    """Refuse a file that MLflow would create or fill with its tables.

    Raises
    ------
    StoreError
        If the file does not exist or is not an MLflow store.
    """
    if not file.is_file():
        raise StoreError(f"There is no MLflow store at {file}. {way_out}")
    try:
        is_store = has_tables(file)
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be read as an MLflow store ({error}). {way_out}") from error
    if not is_store:
        raise StoreError(f"{file} is a database but not an MLflow store. {way_out}")


def check_writable(file: Path) -> None:
    """Raise OSError or sqlite3.Error if the file or its folder cannot be written; changes nothing."""
    with tempfile.TemporaryFile(dir=file.parent):
        pass
    if file.exists():
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.rollback()


def use_write_ahead_log(file: Path) -> None:
    """Let the store be read while it is written (a setting that SQLite keeps in the file).

    A file system without shared memory, such as many network file systems, does not allow it: a note says so.
    """
    try:
        with contextlib.closing(sqlite3.connect(file)) as database:
            (mode,) = database.execute("PRAGMA journal_mode=wal").fetchone()
    except sqlite3.Error as error:
        mode = str(error)
    if mode != "wal":
        print(
            f"note: {file} is used without SQLite's write-ahead log ({mode}), so readers and writers wait for each "
            "other. On a network file system, an MLflow server is the safer store (docs/scaling.md).",
            file=sys.stderr,
        )


def artifact_folder(file: Path, experiment: str) -> str:
    """Return the URI of the folder in which a new experiment of the store keeps its artifacts: beside the database."""
    return (file.parent / _ARTIFACTS / quote(experiment, safe=" ")).as_uri()


def moved_artifacts(file: Path, location: str) -> Path | None:
    """Return where artifacts are now if they were moved or copied together with the database; otherwise None.

    Parameters
    ----------
    file : Path
        The database.
    location : str
        What the store has noted: path or ``file:`` URI of a folder, or of any other place.
    """
    if "://" in location and not location.startswith("file:"):
        return None
    from mlflow.utils.file_utils import local_file_uri_to_path

    noted = Path(local_file_uri_to_path(location))
    if _ARTIFACTS not in noted.parts:
        return None
    depth = len(noted.parts) - 1 - noted.parts[::-1].index(_ARTIFACTS)
    beside = file.parent.joinpath(*noted.parts[depth:])
    return beside if beside.resolve() != noted.resolve() and beside.is_dir() else None
