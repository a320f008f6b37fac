"""Reads the artifacts of a study's folds: learning curves and confusion matrices."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plb_ablate.report.study import Study
from plb_ablate.tracking.mlflow_reader import read_texts

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from pandas import DataFrame

__all__ = ["MOST_VARIANTS", "Trainings", "read_trainings"]

MOST_VARIANTS = 12
"""Number of variants that are read and drawn, the first in row order; more do not fit into a figure."""

_HISTORY, _MATRIX = "history.csv", "confusion_matrix.csv"


@dataclass(frozen=True)
class Trainings:
    """Curves and confusion matrices of one seed.

    Parameters
    ----------
    seed : int
        Seed of the trainings.
    curves : mapping of str to tuple of DataFrame
        Ablation to one table (epochs, curves) a fold, with columns such as ``train/loss`` and ``test/wa``.
    confusions : mapping of str to DataFrame
        Ablation to int (classes, classes), summed over the folds; rows are true classes, columns predicted ones.
    """

    seed: int
    curves: Mapping[str, tuple["DataFrame", ...]]
    confusions: Mapping[str, "DataFrame"]


def read_trainings(client: "MlflowClient", study: Study) -> Trainings | None:
    """Read the artifacts of a study's lowest seed; None if its runs store none.

    A variant is left out if not all of its folds have artifacts.
    """
    import pandas as pd

    seed = study.seeds[0]
    curves: dict[str, tuple[DataFrame, ...]] = {}
    confusions: dict[str, DataFrame] = {}
    for name in study.ablations[:MOST_VARIANTS]:
        runs = [run for (run_seed, _), run in sorted(study.runs(name).items()) if run_seed == seed]
        tables = []
        for run in runs:
            texts = read_texts(client, run.run_id, (_HISTORY, _MATRIX))
            if texts is None:
                break
            tables.append([pd.read_csv(io.StringIO(text), index_col=0) for text in texts])
        if len(tables) < study.n_folds:
            if not tables and runs:
                return None
            continue
        curves[name] = tuple(history for history, _ in tables)
        confusions[name] = sum((matrix for _, matrix in tables[1:]), tables[0][1])
    return Trainings(seed, curves, confusions) if curves else None
