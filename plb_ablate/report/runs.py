"""Reads finished runs from an MLflow store: by tags and in pages, never a whole table."""

import contextlib
import functools
import gc
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from plb_ablate.errors import StoreError
from plb_ablate.report.records import METRICS, RULES, ConfigRun, FoldRun, Study, StudyKey, group_studies

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

__all__ = ["open_store", "read_artifact", "read_studies"]

PAGE = 2000
"""Runs a query; larger pages are a little faster and take more memory."""

_KEY = ("dataset", "protocol", "trainer", "reverse", "config_hash")
_NEEDED = {*_KEY, "ablation", "seed", "n_folds"}
_SQLITE = "sqlite:///"
_START = "Start a study first (python -m plb_ablate), or name its store with --tracking-uri."


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
        _check_sqlite(Path(uri.removeprefix(_SQLITE)))
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    from mlflow import MlflowClient

    with _as_store_error(uri):
        return MlflowClient(uri)


def read_studies(
    client: "MlflowClient", experiment: str, dataset: str | None = None, seeds: Sequence[int] = ()
) -> list[Study]:
    """Read every study of an experiment.

    Parameters
    ----------
    client : MlflowClient
        From `open_store`.
    experiment : str
        Name of the MLflow experiment.
    dataset : str, optional
        Read the runs of this dataset only.
    seeds : sequence of int
        Read the runs of these seeds only; all where empty.

    Raises
    ------
    StoreError
        If the store cannot be read, or holds no finished fold that is wanted.
    """
    with _as_store_error(client.tracking_uri), _no_garbage_collection():
        found = client.get_experiment_by_name(experiment)
        store = f"{_public(client.tracking_uri)}, experiment {experiment!r},"
        if found is None:
            names = ", ".join(sorted(e.name for e in client.search_experiments())) or "none"
            raise StoreError(f"{store} is not there (there are: {names}). {_START}")
        wanted = "" if dataset is None else f" and tags.dataset = '{_quoted(dataset)}'"
        folds = [_fold_run(run) for run in _search(client, found.experiment_id, "fold", wanted)]
        configs = [_config_run(run) for run in _search(client, found.experiment_id, "config", wanted)]
    if seeds:
        folds = [run for run in folds if run.seed in seeds]
        configs = [run for run in configs if run.seed in seeds]
    if not folds:
        only = "" if dataset is None else f" of dataset={dataset}"
        only += f" with seed={','.join(map(str, seeds))}" if seeds else ""
        raise StoreError(f"{store} has no finished fold{only}: nothing to report. {_START}")
    return group_studies(folds, configs)


def read_artifact(client: "MlflowClient", run_id: str, name: str) -> Any:
    """Give a JSON artifact of a run; None where the run has none or its files are out of reach."""
    import mlflow.artifacts
    from mlflow.exceptions import MlflowException

    with contextlib.suppress(MlflowException, OSError, ValueError):
        uri = client.get_run(run_id).info.artifact_uri
        if uri:
            return json.loads(mlflow.artifacts.load_text(f"{uri}/{name}"))
    return None


def _search(client: "MlflowClient", experiment_id: str, level: str, wanted: str) -> "Iterator[Run]":
    """Page through the finished runs of one level that carry our tags.

    They come by end time, so that runs that end meanwhile come last and shift no page.
    """
    query = f"attributes.status = 'FINISHED' and tags.level = '{level}'{wanted}"
    order, token = ["attributes.end_time ASC"], None
    while True:
        page = client.search_runs([experiment_id], query, max_results=PAGE, order_by=order, page_token=token)
        yield from (run for run in page if run.data.tags.keys() >= _NEEDED)
        token = page.token
        if not token:
            return


def _study_key(tags: Mapping[str, str]) -> StudyKey:
    return StudyKey(*(tags[name] for name in _KEY))


def _fold_run(run: "Run") -> FoldRun:
    tags, metrics = run.data.tags, run.data.metrics
    scores = {
        rule: {name: metrics[f"{rule}/{name}"] for name in (*METRICS, "epoch") if f"{rule}/{name}" in metrics}
        for rule in RULES
        if any(f"{rule}/{name}" in metrics for name in METRICS)
    }
    return FoldRun(
        run_id=run.info.run_id,
        key=_study_key(tags),
        ablation=tags["ablation"],
        seed=int(tags["seed"]),
        fold=int(tags.get("fold", 0)),
        n_folds=int(tags["n_folds"]),
        cell=tags.get("cell", run.info.run_id),
        ended=run.info.end_time or 0,
        scores=scores,
        seconds=metrics.get("seconds", float("nan")),
        n_train=int(metrics.get("n_train", 0)),
        n_validation=int(metrics.get("n_validation", 0)),
        n_test=int(metrics.get("n_test", 0)),
        tags=_provenance(tags),
    )


def _config_run(run: "Run") -> ConfigRun:
    tags, metrics = run.data.tags, run.data.metrics
    prefix = "params/module/"
    return ConfigRun(
        run_id=run.info.run_id,
        key=_study_key(tags),
        ablation=tags["ablation"],
        seed=int(tags["seed"]),
        ended=run.info.end_time or 0,
        params=int(metrics["params/total"]) if "params/total" in metrics else None,
        trainable=int(metrics["params/trainable"]) if "params/trainable" in metrics else None,
        modules={key.removeprefix(prefix): int(value) for key, value in metrics.items() if key.startswith(prefix)},
        tags=_provenance(tags),
    )


PROVENANCE = ("git_commit", "hardware", "python", "tensorflow", "keras", "librosa", "numpy", "plb_ablate")
"""Tags that say where numbers come from."""


def _provenance(tags: Mapping[str, str]) -> Mapping[str, str]:
    return _shared(tuple((name, tags[name]) for name in PROVENANCE if name in tags))


@functools.cache
def _shared(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Give one mapping for all runs with equal tags: a study has thousands of runs and few of these."""
    return MappingProxyType(dict(items))


def _public(words: str) -> str:
    """Hide the name and password that a URI in `words` carries."""
    return re.sub(r"//[^/@\s]+@", "//***@", words)


def _quoted(text: str) -> str:
    if "'" in text or "\\" in text:
        raise StoreError(f"dataset={text} is no dataset name: it has a quote or a backslash in it.")
    return text


def _check_sqlite(path: Path) -> None:
    """Refuse a file that MLflow would create or fill."""
    if not path.is_file():
        raise StoreError(f"There is no MLflow store at {path.absolute()}. {_START}")
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("select 1 from sqlite_master where name = 'experiments'").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{path.absolute()} cannot be read as an MLflow store ({error}). {_START}") from error
    if found is None:
        raise StoreError(f"{path.absolute()} is a database but no MLflow store. {_START}")


@contextlib.contextmanager
def _as_store_error(uri: str) -> Iterator[None]:
    """Turn whatever MLflow, its database layer or its HTTP client raises into a StoreError."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, RequestException, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StoreError(
            f"The MLflow store {_public(uri)} cannot be read: {_public(reason)} Check that it is running and that "
            "--tracking-uri (or MLFLOW_TRACKING_URI) names it."
        ) from error


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Hold garbage collection back: with 10,000 runs in memory it takes more than half of the reading time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
