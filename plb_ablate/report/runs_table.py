"""The finished fold runs of a store as one table: what the report is made of, and what scripts start from."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from plb_ablate.config.protocol import RULES
from plb_ablate.config.schema import Tracking
from plb_ablate.core.credentials import hide_credentials, protect_secrets
from plb_ablate.core.errors import StoreError
from plb_ablate.core.provenance import LIBRARIES
from plb_ablate.report.study import StudyKey
from plb_ablate.tracking.mlflow_reader import StoredRun, experiment_id, finished_runs
from plb_ablate.tracking.race_tags import AT, DECISION, PLAN
from plb_ablate.tracking.store import START, open_store
from plb_ablate.tracking.store_options import named_store
from plb_ablate.training.metrics import PREDICTED_CLASSES, SCORES

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from pandas import DataFrame, Series

__all__ = ["PROVENANCE", "RACE", "RULE_METRICS", "STUDY_KEY", "load_runs", "network", "runs_table", "stored_runs"]

STUDY_KEY = ("dataset", "protocol", "trainer", "reverse", "config_hash")
"""Tags that runs of one study share."""

PROVENANCE = ("git_commit", "hardware", "host", "onednn", "python", *LIBRARIES)
"""Tags with the provenance of the numbers."""

RULE_METRICS = (*SCORES, PREDICTED_CLASSES, "epoch")
"""Metrics that a fold run has for every rule that chooses an epoch, as ``<rule>/<metric>``."""

RACE = (DECISION, AT, PLAN)
"""Tags of a parent run whose variant took part in a race."""

_VARIANT = (*STUDY_KEY, "ablation", "seed")
_NEEDED = frozenset({*_VARIANT, "n_folds"})
_WORDS = ("study", "corpus", "features", "training", "headline", *PROVENANCE)
_TAGS = _NEEDED | {"model", "modules", "fold", "cell", *RACE, *_WORDS}

_SIZES = ("n_train", "n_validation", "n_test")
_SCORES = tuple(f"{rule}/{name}" for rule in RULES for name in RULE_METRICS)
_PARAMS = ("params/total", "params/trainable")
_LOSS = "train/loss"

_INFINITE = 1e300
"""Losses from here on are infinite: MLflow stores infinity as the largest float."""


def load_runs(
    tracking_uri: str | None = None,
    *,
    experiment: str = Tracking.experiment,
    dataset: str | None = None,
    seeds: Sequence[int] = (),
) -> "DataFrame":
    """Read the finished fold runs of an MLflow store: the table that the report is made of.

    Parameters
    ----------
    tracking_uri : str, optional
        MLflow store; by default that of ``MLFLOW_TRACKING_URI``, otherwise ``sqlite:///mlflow.db``, as for commands.
    experiment : str
        Name of the MLflow experiment.
    dataset : str, optional
        Read only the runs of this dataset.
    seeds : sequence of int
        Read only the runs of these seeds; empty means all.

    Returns
    -------
    pandas.DataFrame
        One row a fold of a variant under a seed, sorted by study, variant (in the order of the report's tables), seed
        and fold. If a fold was trained or uploaded several times, the run that ended last counts. Columns have the
        names of the tags and metrics in MLflow:

        - ``dataset``, ``protocol``, ``trainer``, ``reverse``, ``config_hash``, ``ablation``: settings, categorical;
          only runs that are equal in the first five may be compared. ``ablation`` is ordered.
        - ``model``, ``modules``: categorical; modules are listed for a user's own model.
        - ``seed``, ``fold``, ``n_folds``: int; ``cell``: str, its folder in the ledger.
        - ``<rule>/score``, ``wa``, ``ua``, ``macro_f1``: float64 fractions in [0, 1], NaN for a rule that the protocol
          does not have; ``<rule>/epoch`` (from 0) and ``<rule>/predicted_classes``: Int32.
        - ``diverged``: bool; the report does not use the scores of such a run.
        - ``n_train``, ``n_validation``, ``n_test``: Int32, utterances; ``seconds``: float64, training time.
        - ``params/total``, ``params/trainable``: Int64, of the variant's network.
        - ``study``, ``corpus``, ``features``, ``training``, ``headline`` and the provenance (``git_commit``,
          ``hardware``, versions): categorical.
        - ``ended``: datetime64, UTC; ``run_id``: str.

    Raises
    ------
    StoreError
        If the store cannot be read, or has no finished fold for these arguments.
    ConfigError
        If the address has a password in it.

    Examples
    --------
    >>> runs = load_runs(dataset="ravdess")  # doctest: +SKIP
    >>> runs.groupby("ablation")["best_validation/ua"].mean()  # doctest: +SKIP
    """
    protect_secrets(())
    client = open_store(str(named_store(tracking_uri, experiment).uri))
    return runs_table(*stored_runs(client, experiment, dataset, seeds))


def stored_runs(
    client: "MlflowClient", experiment: str, dataset: str | None = None, seeds: Sequence[int] = ()
) -> tuple[list[StoredRun], list[StoredRun]]:
    """Read the finished fold runs, and the finished parent runs, of an experiment, each in order of their end.

    Parameters
    ----------
    client : MlflowClient
        From `plb_ablate.tracking.store.open_store`.
    experiment, dataset, seeds
        As in `load_runs`.

    Raises
    ------
    StoreError
        If the store cannot be read, or has no finished fold for these arguments.
    """
    number, only = experiment_id(client, experiment), {"dataset": dataset} if dataset else {}
    metrics = {*_SCORES, *_SIZES, "seconds", _LOSS}
    folds = _usable(finished_runs(client, number, {"level": "fold"} | only, _TAGS, metrics), seeds)
    parents = _usable(finished_runs(client, number, {"level": "config"} | only, _TAGS, None), seeds)
    if not folds:
        of = f" of dataset={dataset}" if dataset else ""
        of += f" with seed={','.join(map(str, seeds))}" if seeds else ""
        store = f"{hide_credentials(client.tracking_uri)}, experiment {experiment!r},"
        raise StoreError(f"{store} has no finished fold{of}, so there is nothing to report. {START}")
    return folds, parents


def _usable(runs: Iterable[StoredRun], seeds: Sequence[int]) -> list[StoredRun]:
    """Keep the runs that this program wrote, of the seeds asked for."""
    return [run for run in runs if run.tags.keys() >= _NEEDED and (not seeds or int(run.tags["seed"]) in seeds)]


def network(run: StoredRun) -> str:
    """Return the canonical name of a run's network; earlier versions stored some networks under two names."""
    family, ablation = StudyKey.of_tags(run.tags).family, run.tags["ablation"]
    return family.same_network(ablation) if family.knows(ablation) else ablation


def runs_table(folds: Sequence[StoredRun], parents: Sequence[StoredRun]) -> "DataFrame":
    """Make the table of `load_runs` from the runs of `stored_runs`."""
    import pandas as pd

    networks = pd.DataFrame(_variants(parents) | {name: _numbers(parents, name, "Int64") for name in _PARAMS})
    networks = networks.drop_duplicates([*_VARIANT], keep="last")
    table = pd.DataFrame(_variants(folds) | _results(folds)).drop_duplicates([*_VARIANT, "fold"], keep="last")
    table = table.merge(networks, how="left", on=[*_VARIANT])
    families = {network(run): StudyKey.of_tags(run.tags).family for run in reversed(folds)}
    in_order = sorted(table["ablation"].unique(), key=lambda name: families[name].row_order(name))
    table["ablation"] = pd.Categorical(table["ablation"], in_order, ordered=True)
    table = table.sort_values([*_VARIANT, "fold"], ignore_index=True)
    return table.astype(dict.fromkeys((*STUDY_KEY, "model", "modules", *_WORDS), "category"))


def _variants(runs: Sequence[StoredRun]) -> dict[str, Any]:
    """Return the columns that tell variants apart."""
    columns: dict[str, Any] = {name: [run.tags[name] for run in runs] for name in STUDY_KEY}
    return columns | {"ablation": [*map(network, runs)], "seed": [int(run.tags["seed"]) for run in runs]}


def _results(runs: Sequence[StoredRun]) -> dict[str, Any]:
    """Return all other columns of fold runs."""
    import numpy as np
    import pandas as pd

    counted = {*_SIZES, *(name for name in _SCORES if name.endswith((PREDICTED_CLASSES, "epoch")))}
    losses = np.array([run.metrics.get(_LOSS, 0.0) for run in runs])
    return {
        "fold": [int(run.tags.get("fold", 0)) for run in runs],
        "n_folds": [int(run.tags["n_folds"]) for run in runs],
        **{name: _numbers(runs, name, "Int32" if name in counted else "float64") for name in (*_SIZES, *_SCORES)},
        "diverged": ~(np.abs(losses) < _INFINITE),
        "seconds": _numbers(runs, "seconds", "float64"),
        "model": [StudyKey.of_tags(run.tags).model for run in runs],
        "modules": [run.tags.get("modules", "") for run in runs],
        **{name: [run.tags.get(name) for run in runs] for name in _WORDS},
        "ended": pd.to_datetime([run.ended for run in runs], unit="ms", utc=True),
        "cell": [run.tags.get("cell") for run in runs],
        "run_id": [run.run_id for run in runs],
    }


def _numbers(runs: Sequence[StoredRun], metric: str, dtype: Literal["float64", "Int32", "Int64"]) -> "Series[Any]":
    """Return a metric as a column; runs that lack it, or for which it is not a number, have a missing value."""
    import pandas as pd

    return pd.Series([run.metrics.get(metric, math.nan) for run in runs], dtype="float64").astype(dtype)
