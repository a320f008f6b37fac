"""Reads the finished runs of a study from MLflow into records."""

import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from plb_ablate.config.protocol import RULES
from plb_ablate.core.credentials import hide_credentials
from plb_ablate.core.errors import StoreError
from plb_ablate.core.provenance import LIBRARIES
from plb_ablate.models.plb.family import PLB
from plb_ablate.report.study import ConfigRun, FoldRun, Study, StudyKey, group_studies
from plb_ablate.tracking.mlflow_reader import StoredRun, experiment_id, finished_runs, read_artifact
from plb_ablate.tracking.store import START
from plb_ablate.training.metrics import PREDICTED_CLASSES, SCORES

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["read_leaks", "read_studies"]

PROVENANCE = ("git_commit", "hardware", "host", "onednn", "python", *LIBRARIES)
"""Tags with the provenance of the numbers."""

_KEY = ("dataset", "protocol", "trainer", "reverse", "config_hash")
_NEEDED = frozenset({*_KEY, "ablation", "seed", "n_folds"})
_TAGS = _NEEDED | {"model", "modules", "fold", "headline", "corpus", "features", *PROVENANCE}
_SCORES = frozenset(f"{rule}/{name}" for rule in RULES for name in (*SCORES, PREDICTED_CLASSES, "epoch"))
_SIZES = ("n_train", "n_validation", "n_test")
_MODULE = "params/module/"
_LOSS = "train/loss"

_INFINITE = 1e300
"""Losses from here on are infinite: MLflow stores infinity as the largest float."""

MAX_PARENTS = 3
"""Number of parent runs in which a leakage audit is looked for; all parents of a study store the same audit."""


def read_studies(
    client: "MlflowClient", experiment: str, dataset: str | None = None, seeds: Sequence[int] = ()
) -> list[Study]:
    """Read every study of an experiment.

    Parameters
    ----------
    client : MlflowClient
        From `plb_ablate.tracking.store.open_store`.
    experiment : str
        Name of the MLflow experiment.
    dataset : str, optional
        Read only the runs of this dataset.
    seeds : sequence of int
        Use only the runs of these seeds; empty means all.

    Raises
    ------
    StoreError
        If the store cannot be read, or has no finished fold for these arguments.
    """
    number, only = experiment_id(client, experiment), {"dataset": dataset} if dataset else {}
    children = finished_runs(client, number, {"level": "fold"} | only, _TAGS, {*_SCORES, *_SIZES, "seconds", _LOSS})
    parents = finished_runs(client, number, {"level": "config"} | only, _TAGS, None)
    folds = [_fold_run(run) for run in children if run.tags.keys() >= _NEEDED]
    configs = [_config_run(run) for run in parents if run.tags.keys() >= _NEEDED]
    if seeds:
        folds = [run for run in folds if run.seed in seeds]
        configs = [run for run in configs if run.seed in seeds]
    if not folds:
        of = f" of dataset={dataset}" if dataset else ""
        of += f" with seed={','.join(map(str, seeds))}" if seeds else ""
        store = f"{hide_credentials(client.tracking_uri)}, experiment {experiment!r},"
        raise StoreError(f"{store} has no finished fold{of}, so there is nothing to report. {START}")
    return group_studies(folds, configs)


def read_leaks(client: "MlflowClient", study: Study) -> tuple[str, ...] | None:
    """Return the warnings of the leakage audit that is stored with a study; None if there is no audit."""
    for parent in study.configs[:MAX_PARENTS]:
        stored = read_artifact(client, parent.run_id, "leakage.json")
        if stored is not None:
            from plb_ablate.splits.leakage_report import LeakageReport

            try:
                return tuple(LeakageReport.from_dict(stored).warnings())
            except (KeyError, TypeError):
                return (f"The leakage audit of run {parent.run_id} was written by another version and cannot be read.",)
    return None


def _study_key(tags: Mapping[str, str]) -> StudyKey:
    modules = tuple(tags.get("modules", "").split(",")) if tags.get("modules") else ()
    dataset, protocol, trainer, reverse, config_hash = (tags[name] for name in _KEY)
    return StudyKey(dataset, protocol, trainer, reverse, config_hash, tags.get("model", PLB.name), modules)


def _network(key: StudyKey, ablation: str) -> str:
    """Return the canonical name of a run's network; earlier versions stored some networks under two names."""
    return key.family.same_network(ablation) if ablation in key.family.ablations else ablation


def _fold_run(run: StoredRun) -> FoldRun:
    tags, metrics = run.tags, run.metrics
    scores: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        rule, _, metric = name.partition("/")
        if metric:
            scores.setdefault(rule, {})[metric] = value
    return FoldRun(
        run_id=run.run_id,
        key=(key := _study_key(tags)),
        ablation=_network(key, tags["ablation"]),
        seed=int(tags["seed"]),
        fold=int(tags.get("fold", 0)),
        n_folds=int(tags["n_folds"]),
        ended=run.ended,
        scores=scores,
        selection_rule=tags.get("headline", ""),
        seconds=metrics.get("seconds", float("nan")),
        n_train=int(metrics.get("n_train", 0)),
        n_validation=int(metrics.get("n_validation", 0)),
        n_test=int(metrics.get("n_test", 0)),
        diverged=not abs(metrics.get(_LOSS, 0.0)) < _INFINITE,
        tags=_provenance(tags),
        corpus=tags.get("corpus", ""),
        features=tags.get("features", ""),
    )


def _config_run(run: StoredRun) -> ConfigRun:
    counts = {name: int(value) for name, value in run.metrics.items() if name.startswith("params/")}
    return ConfigRun(
        run_id=run.run_id,
        key=(key := _study_key(run.tags)),
        ablation=_network(key, run.tags["ablation"]),
        seed=int(run.tags["seed"]),
        ended=run.ended,
        params=counts.get("params/total"),
        trainable=counts.get("params/trainable"),
        modules={name.removeprefix(_MODULE): count for name, count in counts.items() if name.startswith(_MODULE)},
        artifacts=run.artifacts,
        tags=_provenance(run.tags),
    )


def _provenance(tags: Mapping[str, str]) -> Mapping[str, str]:
    return _shared(tuple((name, tags[name]) for name in PROVENANCE if name in tags))


@functools.cache
def _shared(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Return one shared mapping for all runs with equal tags, because a study has thousands of runs."""
    return MappingProxyType(dict(items))
