"""Tags and metrics as every writer of runs makes them: cells, exports and measurements."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric

from plb_ablate.core.provenance import provenance

__all__ = ["flatten", "log_metrics", "metrics_of", "numbers", "tags_below"]

_BATCH = 1000
"""Metrics in one request: MLflow's limit."""


def flatten(values: Mapping[str, Any], separator: str, prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings into one, with joined keys.

    Examples
    --------
    >>> flatten({"trainer": {"epochs": 3}, "seed": 1}, ".")
    {'trainer.epochs': 3, 'seed': 1}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, separator, f"{name}{separator}") if isinstance(value, Mapping) else {name: value}
    return flat


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers among nested values, by their keys joined with ``/``; text and None are left out."""
    flat = flatten(values, "/")
    return {name: float(value) for name, value in flat.items() if isinstance(value, int | float)}


def metrics_of(values: Mapping[str, float], step: int = 0) -> list[Metric]:
    """Make one metric of each value, logged now."""
    now = int(time.time() * 1000)
    return [Metric(name, float(value), now, step) for name, value in values.items()]


def log_metrics(client: MlflowClient, run_id: str, metrics: Sequence[Metric]) -> None:
    """Log any number of metrics, in as few requests as MLflow allows."""
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _BATCH])


def tags_below(parent: str, level: str, **settings: Any) -> dict[str, str]:
    """Make the tags of a run that this process measured or made.

    Parameters
    ----------
    parent : str
        Id of the run that the new one is shown below; empty for none.
    level : str
        The tag ``level``, which tells kinds of runs apart.
    **settings
        Further tags.
    """
    tags = {"level": level} | {name: str(value) for name, value in settings.items()} | provenance()
    return tags | ({"mlflow.parentRunId": parent} if parent else {})
