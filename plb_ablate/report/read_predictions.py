"""Reads what every training of a study said of every utterance: the input of the statistics over utterances."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plb_ablate.report.study import FoldRun, Study
from plb_ablate.statistics.answers import Answers
from plb_ablate.tracking.mlflow_reader import located, read_texts
from plb_ablate.tracking.predictions_file import (
    DAMAGED,
    PREDICTED,
    PREDICTIONS_FILE,
    Table,
    from_csv,
    merged,
    read_packed,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Predictions", "read_predictions"]

Predictions = Mapping[str, Mapping[str, Answers]]
"""Epoch-selection rule to ablation to the answers of its trainings."""


def read_predictions(client: "MlflowClient", study: Study) -> Predictions:
    """Read the predictions of every variant that has all folds of all seeds.

    They come from one file of each parent run; folds that it lacks, as in stores of earlier versions, come from the
    artifacts of their own runs. A variant whose predictions are not all there, or which was asked about other
    utterances than most, is left out.
    """
    tables = {name: _variant(client, study, name) for name in study.ablations}
    whole = {name: table for name, table in tables.items() if table is not None}
    found: dict[str, dict[str, Answers]] = {rule: {} for rule in study.rules}
    for name, by_seed in whole.items():
        for rule in study.rules:
            answers = _answers(by_seed, rule)
            if answers is not None:
                found[rule][name] = answers
    return {rule: answers for rule, answers in found.items() if answers}


def _variant(client: "MlflowClient", study: Study, name: str) -> list[Table] | None:
    """Return the table of each seed; None if a fold of one of them is missing."""
    runs = study.runs(name)
    if len(runs) < len(study.seed_fold_pairs) or any(run.diverged for run in runs.values()):
        return None
    by_seed = []
    for seed in study.seeds:
        table = _packed(client, study, name, seed)
        for fold in range(study.n_folds):
            if table is None or fold not in table["fold"]:
                single = _single(client, runs[seed, fold])
                if single is None:
                    return None
                table = merged(table, single)
        assert table is not None
        by_seed.append(table)
    return by_seed


def _packed(client: "MlflowClient", study: Study, name: str, seed: int) -> Table | None:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    parent = next((run for run in study.configs if run.ablation == name and run.seed == seed), None)
    if parent is None or not parent.artifacts:
        return None
    try:
        file = download_artifacts(f"{located(client, parent.artifacts)}/{PREDICTIONS_FILE}")
        return read_packed(Path(file).read_bytes())
    except (MlflowException, *DAMAGED):
        return None


def _single(client: "MlflowClient", run: FoldRun) -> Table | None:
    from mlflow.exceptions import MlflowException

    try:
        texts = read_texts(client, run.run_id, ("predictions.csv",))
        classes = json.loads(client.get_run(run.run_id).data.tags.get("classes", "[]")) if texts else []
        return from_csv(texts[0], tuple(classes), run.fold) if texts and classes else None
    except (MlflowException, *DAMAGED):
        return None


def _answers(by_seed: list[Table], rule: str) -> Answers | None:
    """Return the answers of all seeds, sorted by path; None if the seeds were asked about different utterances."""
    column = f"{PREDICTED}{rule}"
    if any(column not in table for table in by_seed):
        return None
    orders = [np.argsort(table["path"], kind="stable") for table in by_seed]
    first = {name: by_seed[0][name][orders[0]] for name in ("path", "label", "fold", "speaker")}
    for table, order in zip(by_seed, orders, strict=True):
        if any(not np.array_equal(table[name][order], first[name]) for name in first):
            return None
    predicted = np.stack([table[column][order] for table, order in zip(by_seed, orders, strict=True)])
    speakers = first["speaker"] if first["speaker"].astype(bool).all() else None
    return Answers(first["label"], predicted, first["fold"], speakers)
