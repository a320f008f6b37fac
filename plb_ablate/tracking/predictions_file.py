"""The predictions of all folds of a variant and seed in one compact file of its parent run.

The file ``predictions.npz`` has one row per utterance: ``path``, ``speaker``, ``label``, ``fold`` and, for each
epoch-selection rule, ``predicted/<rule>``; labels are indices into ``classes``.
"""

import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from plb_ablate.config.protocol import RULES

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = [
    "DAMAGED",
    "PREDICTED",
    "PREDICTIONS_FILE",
    "Table",
    "from_csv",
    "merged",
    "packed",
    "read_packed",
    "store_fold",
]

PREDICTIONS_FILE = "predictions.npz"
"""Name of the artifact."""

PREDICTED = "predicted/"
"""Prefix of the columns of predicted classes; the rest of the name is the rule."""

DAMAGED = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)
"""What reading a damaged file or table raises."""

Table = dict[str, NDArray[Any]]
"""Columns of equal length, and ``classes``."""


def from_csv(text: str, classes: tuple[str, ...], fold: int) -> Table:
    """Read the ``predictions.csv`` of a fold; raises one of `DAMAGED` if that is impossible."""
    import pandas as pd

    frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    numbers = {name: number for number, name in enumerate(classes)}
    coded = {"label": frame["label"]} | {f"{PREDICTED}{rule}": frame[rule] for rule in RULES if rule in frame}
    return {name: column.map(numbers).to_numpy(dtype=np.uint8) for name, column in coded.items()} | {
        "path": frame["path"].to_numpy(dtype=np.str_),
        "speaker": frame["speaker"].to_numpy(dtype=np.str_),
        "fold": np.full(len(frame), fold, dtype=np.int16),
        "classes": np.array(classes),
    }


def merged(known: Table | None, new: Table) -> Table:
    """Return a table in which the rows of a fold replace those that the table had; sorted by fold and path."""
    rows = {name: column for name, column in new.items() if name != "classes"}
    if known and set(known) == set(new) and np.array_equal(known["classes"], new["classes"]):
        kept = ~np.isin(known["fold"], new["fold"])
        rows = {name: np.concatenate([known[name][kept], column]) for name, column in rows.items()}
    order = np.lexsort((rows["path"], rows["fold"]))
    return {name: column[order] for name, column in rows.items()} | {"classes": new["classes"]}


def packed(table: Table) -> bytes:
    """Return a table as the content of a file; equal tables give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{name: table[name] for name in sorted(table)})
    return buffer.getvalue()


def read_packed(content: bytes) -> Table:
    """Read the content of a file; raises one of `DAMAGED` if that is impossible."""
    with np.load(io.BytesIO(content)) as stored:
        return {name: stored[name] for name in stored.files}


def store_fold(client: "MlflowClient", run_id: str, result: Path, scores: Mapping[str, Any], fold: int) -> None:
    """Add the predictions of a finished fold to the file of its parent run.

    Parameters
    ----------
    client : MlflowClient
    run_id : str
        The parent run.
    result : Path
        Folder of the fold's result.
    scores : mapping
        The content of its ``scores.json``.
    fold : int
    """
    from mlflow.exceptions import MlflowException

    new = from_csv((result / "predictions.csv").read_text(), tuple(scores["classes"]), fold)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, PREDICTIONS_FILE)
        try:
            known = read_packed(Path(client.download_artifacts(run_id, PREDICTIONS_FILE, folder)).read_bytes())
        except (MlflowException, *DAMAGED):
            known = None  # none yet, or damaged: the report reads the folds that it lacks from their own runs
        file.write_bytes(packed(merged(known, new)))
        client.log_artifact(run_id, str(file))
