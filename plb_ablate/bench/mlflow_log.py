"""Measurements in MLflow: one run each, shown below the run whose model was measured, if a run was named."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from plb_ablate.bench.bench_model import Subject
from plb_ablate.config.schema import Tracking
from plb_ablate.tracking.mlflow_reader import experiment_id
from plb_ablate.tracking.run_fields import log_metrics, metrics_of, numbers, tags_below
from plb_ablate.tracking.store import open_store, store_errors

__all__ = ["track"]


def track(tracking: Tracking, level: str, subject: Subject, results: Mapping[str, Any]) -> str:
    """Log numbers as metrics, ``inference/TensorFlow/CPU/2 threads/network/p50``, and everything as ``<level>.json``.

    Parameters
    ----------
    tracking : Tracking
        Store and experiment, which must exist.
    level : str
        The run's tag ``level``: ``inference`` or ``memory``.
    subject : Subject
    results : mapping
        Nested; its leaves are numbers, text or None.

    Returns
    -------
    str
        Id of the new run.

    Raises
    ------
    StoreError
        If the store cannot be written.
    """
    uri = str(tracking.uri)
    client = open_store(uri)
    place = {
        "dataset": subject.dataset,
        "ablation": subject.ablation,
        "model": subject.network.family.name,
        "fold": subject.fold,
    }
    tags = tags_below(subject.run_id, level, **place)
    with store_errors(uri):
        experiment = experiment_id(client, tracking.experiment, writing=True)
        run = client.create_run(experiment, tags=tags, run_name=f"{level} {subject.dataset}")
        log_metrics(client, run.info.run_id, metrics_of(numbers(_keyed(results))))
        client.log_text(run.info.run_id, json.dumps(results, indent=1), f"{level}.json")
        client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def _keyed(results: Mapping[str, Any]) -> dict[str, Any]:
    """Replace each list of rows by a mapping whose keys say what was measured: runtime, device and threads."""
    return {name: _by_runtime(value) if isinstance(value, list) else value for name, value in results.items()}


def _by_runtime(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        f"{row['runtime']}/{row['device']}/{row['threads']} threads": {k: v for k, v in row.items() if k != "threads"}
        for row in rows
    }
