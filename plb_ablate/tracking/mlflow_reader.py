"""Reads finished runs from an MLflow store by their tags, with only the tags, metrics and artifacts asked for."""

import contextlib
import json
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from plb_ablate.core.credentials import hide_credentials, without_credentials
from plb_ablate.core.errors import StoreError
from plb_ablate.tracking.sqlite_store import moved_artifacts, sqlite_file
from plb_ablate.tracking.store import START, active_experiment, check_place, store_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Result, Select

__all__ = [
    "StoredRun",
    "artifacts_of",
    "experiment_id",
    "finished_runs",
    "located",
    "read_artifact",
    "read_texts",
    "run_page",
]

PAGE = 1000
"""Runs in one request."""

ROWS = 10_000
"""Rows of a database that are fetched at a time."""


@dataclass
class StoredRun:
    """A run of the store: id, end (milliseconds since 1970), URI of its artifacts, tags and metrics asked for."""

    run_id: str
    ended: int
    artifacts: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


def experiment_id(client: "MlflowClient", name: str, *, writing: bool = False) -> str:
    """Return the id of an experiment.

    Parameters
    ----------
    client : MlflowClient
    name : str
    writing : bool
        Whether runs will be added, so that their artifacts must have a place.

    Raises
    ------
    StoreError
        If no experiment has that name (the message lists those that exist), or if it was deleted.
    """
    with store_errors(client.tracking_uri):
        experiment = active_experiment(client, name)
        if experiment is None:
            names = ", ".join(sorted(e.name for e in client.search_experiments())) or "none"
            raise StoreError(
                f"{hide_credentials(client.tracking_uri)}, experiment {name!r}, does not exist "
                f"(existing: {names}). {START}"
            )
    if writing:
        check_place(client, experiment)
    return str(experiment.experiment_id)


def finished_runs(
    client: "MlflowClient",
    experiment: str,
    wanted: dict[str, str],
    tags: Collection[str],
    metrics: Collection[str] | None,
) -> list[StoredRun]:
    """Return the finished runs that have the tags `wanted`, in order of their end.

    If the store is a database, the requested columns are read from its tables: MLflow's own search builds an object of
    every tag, parameter and metric of every run, which takes more than half a minute for 10,000 runs. These tables are
    not part of MLflow's public interface; if they are not as expected, the public search is used instead.

    Parameters
    ----------
    client : MlflowClient
        From `plb_ablate.tracking.store.open_store`.
    experiment : str
        Id of the experiment.
    wanted : dict of str to str
        Tags that a run must carry, with their values.
    tags, metrics : collection of str
        Names of the tags and metrics to read; a run need not have all. None reads every metric.
    """
    with store_errors(client.tracking_uri):
        try:
            if (engine := _engine(client)) is not None:
                return _from_database(engine, int(experiment), wanted, tags, metrics)
        except (ImportError, AttributeError):  # another version of MLflow has moved or renamed its tables
            pass
        return list(_from_client(client, experiment, wanted, tags, metrics))


def _engine(client: "MlflowClient") -> Any:
    """Return the SQLAlchemy engine of a store that is a database; None for a server."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = client._tracking_client.store
    return store.engine if isinstance(store, SqlAlchemyStore) else None


def _from_client(
    client: "MlflowClient",
    experiment: str,
    wanted: dict[str, str],
    tags: Collection[str],
    metrics: Collection[str] | None,
) -> Iterator[StoredRun]:
    """Search page by page; sorted by end time, so that runs which end during the search are on the last page."""
    query = " and ".join(["attributes.status = 'FINISHED'", *(f"tags.`{k}` = '{v}'" for k, v in wanted.items())])
    token = None
    while True:
        page = client.search_runs(
            [experiment], query, max_results=PAGE, order_by=["attributes.end_time ASC"], page_token=token
        )
        for run in page:
            kept = {name: value for name, value in run.data.tags.items() if name in tags}
            numbers = {name: value for name, value in run.data.metrics.items() if metrics is None or name in metrics}
            yield StoredRun(run.info.run_id, run.info.end_time or 0, run.info.artifact_uri or "", kept, numbers)
        token = page.token
        if not token:
            return


def _from_database(
    engine: Any, experiment: int, wanted: dict[str, str], tags: Collection[str], metrics: Collection[str] | None
) -> list[StoredRun]:
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlRun, SqlTag
    from sqlalchemy import func, select

    runs: Select[Any] = select(SqlRun.run_uuid, SqlRun.end_time, SqlRun.artifact_uri).where(
        SqlRun.experiment_id == experiment, SqlRun.status == "FINISHED", SqlRun.lifecycle_stage == "active"
    )
    for name, value in wanted.items():
        has = select(SqlTag.run_uuid).where(SqlTag.key == name, SqlTag.value == value)
        runs = runs.where(SqlRun.run_uuid.in_(has))
    ids = runs.with_only_columns(SqlRun.run_uuid)
    tag, metric = SqlTag, SqlLatestMetric
    # a column inside a function has no index: the rows of a run are found by its id, not by every pair of id and name
    tag_rows = select(tag.run_uuid, tag.key, tag.value).where(
        tag.run_uuid.in_(ids), func.coalesce(tag.key, "").in_(tags)
    )
    metric_rows = select(metric.run_uuid, metric.key, metric.value, metric.is_nan).where(metric.run_uuid.in_(ids))
    if metrics is not None:
        metric_rows = metric_rows.where(func.coalesce(metric.key, "").in_(metrics))
    with engine.connect().execution_options(yield_per=ROWS) as connection:
        rows = connection.execute(runs)
        by_id = {run_id: StoredRun(run_id, ended or 0, artifacts or "") for run_id, ended, artifacts in rows}
        _fill(by_id, _in_bulk(connection.execute(tag_rows)), _in_bulk(connection.execute(metric_rows)))
    return sorted(by_id.values(), key=lambda run: (run.ended, run.run_id))


def _in_bulk(result: "Result[Any]") -> Iterator[Any]:
    """Return the rows of a result; one by one, SQLAlchemy takes three times as long."""
    return chain.from_iterable(result.partitions())


def _fill(by_id: dict[str, StoredRun], tags: Iterable[Any], metrics: Iterable[Any]) -> None:
    """Add tags and metrics to their runs; those of a run that ended between the queries are skipped."""
    for run_id, name, value in tags:
        if run_id in by_id:
            by_id[run_id].tags[name] = value
    for run_id, name, value, is_nan in metrics:
        if run_id in by_id:
            by_id[run_id].metrics[name] = math.nan if is_nan else value


def read_artifact(client: "MlflowClient", run_id: str, name: str) -> Any:
    """Return a JSON artifact of a run; None if the run has none or its files cannot be reached."""
    texts = read_texts(client, run_id, (name,))
    with contextlib.suppress(ValueError):
        return json.loads(texts[0]) if texts else None


def artifacts_of(client: "MlflowClient", run_id: str) -> str:
    """Return the URI of a run's artifacts; of a store that was moved with its artifacts, the place where they are."""
    return located(client, str(client.get_run(run_id).info.artifact_uri or ""))


def located(client: "MlflowClient", uri: str) -> str:
    """Return where the artifacts with this URI are: elsewhere if the store was moved together with them."""
    file = sqlite_file(client.tracking_uri)
    moved = moved_artifacts(file, uri) if file else None
    return moved.as_uri() if moved else uri


def read_texts(client: "MlflowClient", run_id: str, names: Sequence[str]) -> list[str] | None:
    """Return text artifacts of a run; None if one of them is missing or cannot be reached."""
    from mlflow.artifacts import load_text
    from mlflow.exceptions import MlflowException

    with contextlib.suppress(MlflowException, OSError, ValueError):
        if uri := artifacts_of(client, run_id):
            return [load_text(f"{uri}/{name}") for name in names]
    return None


def run_page(client: "MlflowClient", experiment: str) -> str:
    """Return the address of a run's page in the UI, without the run id; empty if the store is not a server."""
    uri = client.tracking_uri
    if not uri.startswith(("http://", "https://")):
        return ""
    return f"{without_credentials(uri).rstrip('/')}/#/experiments/{experiment_id(client, experiment)}/runs/"
