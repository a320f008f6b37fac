"""Measurements in MLflow: a run each, below the run whose model was measured where there is one."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow.entities import Metric

from plb_ablate.bench.bench_model import Subject
from plb_ablate.config.schema import Tracking
from plb_ablate.core.provenance import provenance
from plb_ablate.tracking.mlflow_reader import experiment_id, open_store, store_errors

__all__ = ["track"]


def track(tracking: Tracking, level: str, subject: Subject, found: Mapping[str, Any]) -> str:
    """Log numbers as metrics, ``inference/TensorFlow/CPU/2 threads/network/p50``, and all of it as ``<level>.json``.

    Parameters
    ----------
    tracking : Tracking
        Store and experiment, which must be there.
    level : str
        The run's tag ``level``: ``inference`` or ``memory``.
    subject : Subject
    found : mapping
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
    tags = {"level": level, "dataset": subject.dataset, "ablation": subject.ablation, "fold": str(subject.fold)}
    tags |= provenance() | ({"mlflow.parentRunId": subject.run_id} if subject.run_id else {})
    now = int(time.time() * 1000)
    with store_errors(uri):
        run = client.create_run(
            experiment_id(client, tracking.experiment), tags=tags, run_name=f"{level} {subject.dataset}"
        )
        metrics = [Metric(name, value, now, 0) for name, value in _numbers(found).items()]
        client.log_batch(run.info.run_id, metrics=metrics)
        client.log_text(run.info.run_id, json.dumps(found, indent=1), f"{level}.json")
        client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def _numbers(found: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, value in found.items():
        if isinstance(value, Mapping):
            numbers |= _numbers(value, f"{prefix}{name}/")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for row in value:
                what = f"{prefix}{name}/{row['runtime']}/{row['device']}/{row['threads']} threads/"
                numbers |= _numbers({k: v for k, v in row.items() if k != "threads"}, what)
        elif isinstance(value, int | float):
            numbers[prefix + name] = float(value)
    return numbers
