"""An MLflow store: named by one rule, opened, checked before any long work, its errors turned into StoreError.

MLflow and SQLAlchemy are imported in the functions that need them, so that ``--help`` is quick.
"""

import contextlib
import os
import re
import shlex
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from plb_ablate.config.schema import Tracking
from plb_ablate.core.credentials import STORE_VARIABLE, hide_credentials
from plb_ablate.core.errors import StoreError
from plb_ablate.tracking.sqlite_store import (
    absolute_uri,
    check_readable,
    check_writable,
    has_tables,
    moved_artifacts,
    sqlite_file,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

__all__ = [
    "READING",
    "START",
    "WRITING",
    "active_experiment",
    "announce",
    "check_place",
    "check_store",
    "describe",
    "exclusive_writer",
    "open_store",
    "store_errors",
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

_SCHEMA = re.compile(r"database schema \(found version (\w+), but expected (\w+)\)")
"""Matches what MLflow says of a database of another version, older or newer."""


def describe(tracking: Tracking) -> str:
    """Describe the store of a command in words, and that the environment named it; credentials are hidden."""
    uri = str(tracking.uri)
    origin = f" (named by {STORE_VARIABLE})" if uri == os.environ.get(STORE_VARIABLE) else ""
    return f"{hide_credentials(absolute_uri(uri))}{origin}, experiment {tracking.experiment}"


def announce(tracking: Tracking) -> None:
    """Print on standard error which store a command uses, if it uses one."""
    if tracking.uri:
        print(f"MLflow store: {describe(tracking)}", file=sys.stderr)


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
    with store_errors(uri):
        if file := sqlite_file(uri):
            check_readable(file, START)
        from mlflow import MlflowClient

        return MlflowClient(absolute_uri(uri))  # MLflow caches a store by its URI; a relative one depends on the folder


def check_store(tracking: Tracking) -> None:
    """Check before any long work that a store can be written; changes nothing in it and creates no database.

    Raises
    ------
    StoreError
        If the store cannot be reached, if an SQLite file or its folder cannot be written, if the experiment was
        deleted, or if its artifacts would be written to the place that the store was moved from.
    """
    uri = str(tracking.uri)
    with store_errors(uri, WRITING):
        if file := sqlite_file(uri):
            check_writable(file)
            if not (file.exists() and has_tables(file)):
                return
        from mlflow import MlflowClient

        client = MlflowClient(absolute_uri(uri))
        if experiment := active_experiment(client, tracking.experiment):
            check_place(client, experiment)


def active_experiment(client: "MlflowClient", name: str) -> "Experiment | None":
    """Return the experiment of a name; None if there is none.

    Raises
    ------
    StoreError
        If the experiment was deleted: MLflow keeps it and its name, and refuses runs.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is not None and experiment.lifecycle_stage == "deleted":
        uri = hide_credentials(client.tracking_uri)
        command = f"{STORE_VARIABLE}={shlex.quote(uri)} mlflow experiments restore --experiment-id "
        raise StoreError(
            f"The experiment {name!r} of {uri} was deleted. Restore it and its runs with\n"
            f"  {command}{experiment.experiment_id}\n"
            "or name another one: tracking.experiment=... for a sweep, --experiment for other commands."
        )
    return experiment


def check_place(client: "MlflowClient", experiment: "Experiment") -> None:
    """Check that new artifacts are not written to the place that a store was moved or copied from.

    Raises
    ------
    StoreError
        If the store notes another place than that of the artifacts beside it.
    """
    file = sqlite_file(client.tracking_uri)
    if file and (beside := moved_artifacts(file, experiment.artifact_location)):
        raise StoreError(
            f"{file} was moved or copied: its artifacts are in {beside}, but new ones would be written to "
            f"{experiment.artifact_location}. Reports can be made nevertheless. To write, correct the paths that the "
            'store has noted: docs/tracking.md, "A store that was moved", has the commands.'
        )


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
        if versions := _SCHEMA.search(reason):
            reason, way_out = _other_version(uri, *versions.groups())
        raise StoreError(
            f"The MLflow store {hide_credentials(uri)} cannot be used: {hide_credentials(reason, uri)}\n{way_out}"
        ) from error
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("plb_ablate", "mlflow", "sqlalchemy"):
            raise
        ways = f"Install it: pip install {error.name}"
        if error.name in ("psycopg", "psycopg2"):
            ways = "Write the address as postgresql+psycopg2://..., and install its driver: pip install '.[postgres]'"
        raise StoreError(
            f"The MLflow store {hide_credentials(uri)} needs the Python package {error.name}, which is not installed. "
            f"{ways}"
        ) from error


def _other_version(uri: str, found: str, expected: str) -> tuple[str, str]:
    """Say whether a database is older or newer than this MLflow, and what to do."""
    import mlflow
    from mlflow.store import db_migrations

    (folder,) = db_migrations.__path__
    if any((Path(folder) / "versions").glob(f"{found}_*.py")):
        command = f"mlflow db upgrade {shlex.quote(hide_credentials(absolute_uri(uri)))}"
        return (
            f"its schema (version {found}) is older than that of MLflow {mlflow.__version__} ({expected}).",
            f"Make a copy of the database, then upgrade it: {command}",
        )
    return (
        f"its schema (version {found}) is newer than that of MLflow {mlflow.__version__} ({expected}).",
        "A newer MLflow wrote it. Update MLflow here (pip install --upgrade mlflow), or use the environment that did.",
    )


@contextlib.contextmanager
def exclusive_writer(uri: str, ledger: Path) -> Iterator[None]:
    """Allow one writing process at a time: per file for an SQLite store, per ledger for any other store.

    No parent run is then created twice, and no writer finds the database locked by another.
    """
    database = sqlite_file(uri)
    lock = database.with_name(f".{database.name}.lock") if database else ledger / ".delivery.lock"
    with FileLock(lock, timeout=_LOCK_TIMEOUT):
        yield
