"""The doorway to an MLflow store: opens it, and gives finished runs by their tags with no more than is asked for."""

import contextlib
import json
import math
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plb_ablate.core.credentials import hide_credentials, without_credentials
from plb_ablate.core.errors import StoreError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Select

__all__ = [
    "StoredRun",
    "experiment_id",
    "finished_runs",
    "open_store",
    "read_artifact",
    "read_texts",
    "run_page",
    "store_errors",
]

START = "Start a study first (python -m plb_ablate), or name its store with --tracking-uri."
PAGE = 1000
"""Runs a request, where the store is a server."""

ROWS = 10_000
"""Rows fetched at a time, where it is a database."""

_SQLITE = "sqlite:///"


@dataclass
class StoredRun:
    """A run as the store has it: its id, its end (milliseconds since 1970), and the tags and metrics asked for."""

    run_id: str
    ended: int
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


def open_store(uri: str) -> "MlflowClient":
    """Open an MLflow store for reading.

    Parameters
    ----------
    uri : str
        Tracking URI; a SQLite file must exist, it is never created here.

    Raises
    ------
    StoreError
        If the store is not there or is none.
    """
    if uri.startswith(_SQLITE):
        path = Path(uri.removeprefix(_SQLITE)).absolute()
        _check_sqlite(path)
        uri = f"{_SQLITE}{path}"  # MLflow keeps a store by its address, which must not change with the folder
    from mlflow import MlflowClient

    with store_errors(uri):
        return MlflowClient(uri)


def experiment_id(client: "MlflowClient", name: str) -> str:
    """Give the id of an experiment.

    Raises
    ------
    StoreError
        If there is none of that name; the message has the names that there are.
    """
    with store_errors(client.tracking_uri):
        found = client.get_experiment_by_name(name)
        if found is None:
            names = ", ".join(sorted(e.name for e in client.search_experiments())) or "none"
            raise StoreError(
                f"{hide_credentials(client.tracking_uri)}, experiment {name!r}, is not there "
                f"(there are: {names}). {START}"
            )
    return str(found.experiment_id)


def finished_runs(
    client: "MlflowClient",
    experiment: str,
    wanted: dict[str, str],
    tags: Collection[str],
    metrics: Collection[str] | None,
) -> list[StoredRun]:
    """Give the finished runs that carry the tags `wanted`.

    Where the store is a database, the named columns are read from its tables: MLflow's own search builds an object of
    every tag, parameter and metric of every run, which takes more than half a minute for 10,000 runs.

    Parameters
    ----------
    client : MlflowClient
        From `open_store`.
    experiment : str
        Id of the experiment.
    wanted : dict of str to str
        Tags that a run must carry, with their values.
    tags, metrics : collection of str
        Names of the tags and metrics to give; a run need not have all. None gives every metric.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with store_errors(client.tracking_uri):
        store = client._tracking_client.store
        if isinstance(store, SqlAlchemyStore):
            return _from_database(store.engine, int(experiment), wanted, tags, metrics)
        return list(from_client(client, experiment, wanted, tags, metrics))


def from_client(
    client: "MlflowClient",
    experiment: str,
    wanted: dict[str, str],
    tags: Collection[str],
    metrics: Collection[str] | None,
) -> Iterator[StoredRun]:
    """Page through the runs of a server; by end time, so that runs that end meanwhile come last and shift no page."""
    query = " and ".join(["attributes.status = 'FINISHED'", *(f"tags.`{k}` = '{v}'" for k, v in wanted.items())])
    token = None
    while True:
        page = client.search_runs(
            [experiment], query, max_results=PAGE, order_by=["attributes.end_time ASC"], page_token=token
        )
        for run in page:
            kept = {name: value for name, value in run.data.tags.items() if name in tags}
            numbers = {name: value for name, value in run.data.metrics.items() if metrics is None or name in metrics}
            yield StoredRun(run.info.run_id, run.info.end_time or 0, kept, numbers)
        token = page.token
        if not token:
            return


def _from_database(
    engine: Any, experiment: int, wanted: dict[str, str], tags: Collection[str], metrics: Collection[str] | None
) -> list[StoredRun]:
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlRun, SqlTag
    from sqlalchemy import select

    runs: Select[Any] = select(SqlRun.run_uuid, SqlRun.end_time).where(
        SqlRun.experiment_id == experiment, SqlRun.status == "FINISHED", SqlRun.lifecycle_stage == "active"
    )
    for name, value in wanted.items():
        has = select(SqlTag.run_uuid).where(SqlTag.key == name, SqlTag.value == value)
        runs = runs.where(SqlRun.run_uuid.in_(has))
    ids = runs.with_only_columns(SqlRun.run_uuid)
    tag, metric = SqlTag, SqlLatestMetric
    tag_rows = select(tag.run_uuid, tag.key, tag.value).where(tag.key.in_(tags), tag.run_uuid.in_(ids))
    metric_rows = select(metric.run_uuid, metric.key, metric.value, metric.is_nan).where(metric.run_uuid.in_(ids))
    if metrics is not None:
        metric_rows = metric_rows.where(metric.key.in_(metrics))
    with engine.connect().execution_options(yield_per=ROWS) as connection:
        found = {run_id: StoredRun(run_id, ended or 0) for run_id, ended in connection.execute(runs)}
        _fill(found, connection.execute(tag_rows), connection.execute(metric_rows))
    return sorted(found.values(), key=lambda run: (run.ended, run.run_id))


def _fill(found: dict[str, StoredRun], tags: Iterable[Any], metrics: Iterable[Any]) -> None:
    """Hand tags and metrics to their runs; one of a run that ended between the queries has none yet."""
    for run_id, name, value in tags:
        if run_id in found:
            found[run_id].tags[name] = value
    for run_id, name, value, is_nan in metrics:
        if run_id in found:
            found[run_id].metrics[name] = math.nan if is_nan else value


def read_artifact(client: "MlflowClient", run_id: str, name: str) -> Any:
    """Give a JSON artifact of a run; None where the run has none or its files are out of reach."""
    texts = read_texts(client, run_id, (name,))
    with contextlib.suppress(ValueError):
        return json.loads(texts[0]) if texts else None


def read_texts(client: "MlflowClient", run_id: str, names: Sequence[str]) -> list[str] | None:
    """Give text artifacts of a run; None where one of them is not there or out of reach."""
    from mlflow.artifacts import load_text
    from mlflow.exceptions import MlflowException

    with contextlib.suppress(MlflowException, OSError, ValueError):
        uri = client.get_run(run_id).info.artifact_uri
        if uri:
            return [load_text(f"{uri}/{name}") for name in names]
    return None


def run_page(client: "MlflowClient", experiment: str) -> str:
    """Give the address of the UI's page of a run, to which the run id is added; empty where the store is no server."""
    uri = client.tracking_uri
    if not uri.startswith(("http://", "https://")):
        return ""
    return f"{without_credentials(uri).rstrip('/')}/#/experiments/{experiment_id(client, experiment)}/runs/"


def _check_sqlite(path: Path) -> None:
    """Refuse a file that MLflow would create or fill."""
    if not path.is_file():
        raise StoreError(f"There is no MLflow store at {path}. {START}")
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("select 1 from sqlite_master where name = 'experiments'").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be read as an MLflow store ({error}). {START}") from error
    if found is None:
        raise StoreError(f"{path} is a database but no MLflow store. {START}")


@contextlib.contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Turn whatever MLflow, its database layer or its HTTP client raises into a StoreError."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, RequestException, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StoreError(
            f"The MLflow store {hide_credentials(uri)} cannot be read: {hide_credentials(reason, uri)} "
            "Check that it is running and that --tracking-uri (or MLFLOW_TRACKING_URI) names it."
        ) from error
