"""An MLflow store: opened, checked before any long work, its SQLite file prepared, its errors turned into StoreError.

MLflow and SQLAlchemy are imported in the functions that need them, so that ``--help`` is quick.
"""

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from plb_ablate.core.credentials import hide_credentials
from plb_ablate.core.errors import StoreError

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = [
    "READING",
    "START",
    "WRITING",
    "absolute_uri",
    "check_store",
    "exclusive_writer",
    "open_store",
    "sqlite_file",
    "store_errors",
    "use_write_ahead_log",
]

START = "Start a study first (python -m plb_ablate), or name its store with --tracking-uri."

READING = "Check that it is running and that --tracking-uri (or MLFLOW_TRACKING_URI) names it."
"""What to do if a store cannot be read."""

WRITING = (
    "Results stay in the ledger. Start the store, or name another one with tracking.uri=..., "
    "then run `python -m plb_ablate.sync`."
)
"""What to do if a store cannot be written."""

_LOCK_TIMEOUT = 120.0
"""Seconds to wait for other writers of the same store."""


def open_store(uri: str) -> "MlflowClient":
    """Open an MLflow store for reading.

    Parameters
    ----------
    uri : str
        Tracking URI; an SQLite file must exist, it is never created here.

    Raises
    ------
    StoreError
        If an SQLite file is missing or is not an MLflow store.
    """
    if file := sqlite_file(uri):
        with store_errors(uri):
            _check_readable(file)
    from mlflow import MlflowClient

    with store_errors(uri):
        return MlflowClient(absolute_uri(uri))  # MLflow caches a store by its URI; a relative one depends on the folder


def check_store(uri: str) -> None:
    """Check before any long work that a store can be written; changes nothing in it and creates no database.

    Raises
    ------
    StoreError
        If the store cannot be reached, or if an SQLite file or its folder cannot be written.
    """
    with store_errors(uri, WRITING):
        if file := sqlite_file(uri):
            _check_writable(file)
        else:
            from mlflow import MlflowClient

            MlflowClient(uri).search_experiments(max_results=1)


@contextlib.contextmanager
def store_errors(uri: str, way_out: str = READING) -> Iterator[None]:
    """Turn errors of MLflow, its database layer, its HTTP client and the file system into a StoreError.

    Parameters
    ----------
    uri : str
        Tracking URI; credentials in it are hidden in the message.
    way_out : str
        What the user can do: `READING` or `WRITING`.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:  # requests' errors are OSErrors
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StoreError(
            f"The MLflow store {hide_credentials(uri)} cannot be used: {hide_credentials(reason, uri)}\n{way_out}"
        ) from error


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


def use_write_ahead_log(uri: str) -> None:
    """Let an SQLite store be read while it is written (a setting that SQLite keeps in the file)."""
    if uri.startswith("sqlite:"):
        from sqlalchemy import create_engine

        engine = create_engine(uri)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=wal")
        engine.dispose()


@contextlib.contextmanager
def exclusive_writer(uri: str, ledger: Path) -> Iterator[None]:
    """Allow one writing process at a time: per file for an SQLite store, per ledger for any other store.

    No parent run is then created twice, and no writer finds the database locked by another.
    """
    database = sqlite_file(uri)
    lock = database.with_name(f".{database.name}.lock") if database else ledger / ".delivery.lock"
    with FileLock(lock, timeout=_LOCK_TIMEOUT):
        yield


def _check_readable(file: Path) -> None:
    """Refuse a file that MLflow would create or fill with its tables."""
    if not file.is_file():
        raise StoreError(f"There is no MLflow store at {file}. {START}")
    try:
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            is_store = database.execute("select 1 from sqlite_master where name = 'experiments'").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be read as an MLflow store ({error}). {START}") from error
    if is_store is None:
        raise StoreError(f"{file} is a database but not an MLflow store. {START}")


def _check_writable(file: Path) -> None:
    with tempfile.TemporaryFile(dir=file.parent):
        pass
    if file.exists():
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.rollback()
