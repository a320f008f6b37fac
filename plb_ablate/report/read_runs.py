"""The finished runs of a study as records, made of the table of runs (`plb_ablate.report.runs_table`)."""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from plb_ablate.config.protocol import RULES
from plb_ablate.report.raced import with_race
from plb_ablate.report.runs_table import PROVENANCE, RACE, RULE_METRICS, STUDY_KEY, network, runs_table, stored_runs
from plb_ablate.report.study import ConfigRun, FoldRun, Study, StudyKey, group_studies
from plb_ablate.tracking.mlflow_reader import StoredRun, read_artifact

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from pandas import DataFrame

__all__ = ["read_leaks", "read_studies"]

_MODULE = "params/module/"

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
    folds, parents = stored_runs(client, experiment, dataset, seeds)
    studies = group_studies(_fold_runs(runs_table(folds, parents)), map(_config_run, parents))
    return [with_race(study) for study in studies]


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


def _fold_runs(table: "DataFrame") -> list[FoldRun]:
    """Make a record of every row of the table of runs."""
    sizes, words = ["n_train", "n_validation", "n_test"], ["ablation", "headline", "corpus", "features", "training"]
    plain = table[["run_id", "seed", "fold", "n_folds", "seconds", "diverged"]]
    plain = plain.join(table[sizes].fillna(0)).join(table[words].astype(object).fillna(""))
    rows = plain.rename(columns={"headline": "selection_rule"}).to_dict("records")
    names = (*STUDY_KEY, "model", "modules")
    keys = (StudyKey.of_tags(dict(zip(names, row, strict=True))) for row in _rows(table, names))
    tags = map(_provenance, _rows(table[[*PROVENANCE]].astype(object).fillna(""), PROVENANCE))
    return [
        FoldRun(**{str(name): value for name, value in row.items()}, key=key, scores=scores, tags=provenance)
        for row, key, scores, provenance in zip(rows, keys, _scores(table), tags, strict=True)
    ]


def _rows(table: "DataFrame", columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Return the values of some columns, row by row."""
    return zip(*(table[name].tolist() for name in columns), strict=True)


def _scores(table: "DataFrame") -> list[dict[str, dict[str, float]]]:
    """Return, for every row, rule to metric to value, of the rules for which the run has any."""
    scores: list[dict[str, dict[str, float]]] = [{} for _ in range(len(table))]
    for rule in RULES:
        values = table[[f"{rule}/{metric}" for metric in RULE_METRICS]].to_numpy("float64", na_value=math.nan)
        for place in np.flatnonzero(~np.isnan(values).all(axis=1)):
            scores[place][rule] = dict(zip(RULE_METRICS, values[place].tolist(), strict=True))
    return scores


def _config_run(run: StoredRun) -> ConfigRun:
    counts = {name: int(value) for name, value in run.metrics.items() if name.startswith("params/")}
    return ConfigRun(
        run_id=run.run_id,
        key=StudyKey.of_tags(run.tags),
        ablation=network(run),
        seed=int(run.tags["seed"]),
        ended=run.ended,
        params=counts.get("params/total"),
        trainable=counts.get("params/trainable"),
        modules={name.removeprefix(_MODULE): count for name, count in counts.items() if name.startswith(_MODULE)},
        artifacts=run.artifacts,
        tags=_provenance(tuple(run.tags.get(name, "") for name in PROVENANCE)),
        raced={name: run.tags[name] for name in RACE if name in run.tags},
    )


@functools.cache
def _provenance(values: tuple[str, ...]) -> Mapping[str, str]:
    """Return the tags that a run has, one shared mapping for all runs with equal ones: a study has thousands."""
    return MappingProxyType({name: value for name, value in zip(PROVENANCE, values, strict=True) if value})
