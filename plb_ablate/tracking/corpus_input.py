"""The corpus of a run as MLflow's dataset of that run, which the UI shows in a column and can filter by."""

import json
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

__all__ = ["CONTEXT", "DIGEST_LENGTH", "corpus_input"]

CONTEXT = "cross-validation"
"""What a run uses the corpus for: both to train and to test."""

DIGEST_LENGTH = 16
"""Digits of the content hash that are shown, as in the names of files of prepared corpora; MLflow allows 36."""


def corpus_input(settings: Mapping[str, Any], scores: Mapping[str, Any]) -> DatasetInput:
    """Describe the corpus of a cell.

    Parameters
    ----------
    settings : mapping
        Description of the cell, with its ``dataset`` and the hash of its ``content``.
    scores : mapping
        Content of its ``scores.json``: the splits of a fold have all utterances of the corpus.

    Returns
    -------
    DatasetInput
        Its name, the start of its content hash, and the numbers of utterances and classes.
    """
    numbers = {"num_rows": sum(scores["sizes"].values()), "num_classes": len(scores["classes"])}
    dataset = Dataset(
        name=settings["dataset"],
        digest=settings["content"][:DIGEST_LENGTH],
        source_type="corpus",
        source=json.dumps({"dataset": settings["dataset"], "content": settings["content"]}),
        profile=json.dumps(numbers),
    )
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, CONTEXT)])
