"""Writes a finished training as files for people and programs; equal trainings give equal bytes."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copyfile
from statistics import median_low
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from plb_ablate.config.protocol import Protocol
from plb_ablate.core.provenance import provenance
from plb_ablate.features.dataset import PreparedCorpus
from plb_ablate.ledger.cells import Cell
from plb_ablate.splits.folds import Fold
from plb_ablate.training.checkpoint import TrainingState
from plb_ablate.training.metrics import score_predictions

__all__ = ["write_result"]

Labels = NDArray[np.integer[Any]]


def write_result(
    folder: Path,
    cell: Cell,
    prepared: PreparedCorpus,
    fold: Fold,
    state: TrainingState,
    parameters: Mapping[str, int],
    trainable: int,
    save_weights: Callable[[Path], None],
) -> None:
    """Write the result of a cell into `folder`.

    Files: ``scores.json`` (scores by epoch-selection rule, parameters by module, sizes of the splits), ``history.csv``
    (one row per epoch), ``predictions.csv`` (one row per test utterance), ``predicted.npz`` (predicted labels of every
    epoch), ``confusion_matrix.csv``, ``weights.weights.h5`` (of the selected epoch), ``config.yaml``, a user's model
    file under its own name, and ``run.json`` (seconds and provenance; the only file that differs between two equal
    trainings).
    """
    protocol = Protocol(**cell.settings["protocol"])
    labels = prepared.corpus.labels[fold.test]
    chosen = {rule: state.predicted["test"][state.best[rule]] for rule in protocol.rules}
    scores = {
        "headline": protocol.rule,
        "rules": {rule: {"epoch": state.best[rule]} | score_predictions(labels, chosen[rule]) for rule in chosen},
        "parameters": dict(parameters),
        "trainable": trainable,
        "sizes": {split: len(getattr(fold, split)) for split in ("train", "validation", "test")},
        "classes": cell.classes,
    }
    _write_json(folder / "scores.json", scores)
    pd.DataFrame(state.history).to_csv(folder / "history.csv", index_label="epoch", lineterminator="\n")
    _predictions(cell, prepared, fold, chosen, state.probabilities[protocol.rule]).to_csv(
        folder / "predictions.csv", index=False, lineterminator="\n"
    )
    matrix = confusion_matrix(labels, chosen[protocol.rule], labels=range(len(cell.classes)))
    pd.DataFrame(matrix, cell.classes, cell.classes).to_csv(
        folder / "confusion_matrix.csv", index_label="true \\ predicted", lineterminator="\n"
    )
    epochs = {split: np.array(predicted, dtype=np.uint8) for split, predicted in state.predicted.items()}
    np.savez(folder / "predicted.npz", allow_pickle=False, labels=labels, **epochs)
    (folder / "config.yaml").write_text(yaml.safe_dump(cell.settings | {"fold": cell.fold}, sort_keys=True))
    if cell.model_file:
        copyfile(cell.model_file, folder / cell.model_file.name)
    save_weights(folder / "weights.weights.h5")
    times = {"seconds": state.seconds, "epoch_seconds": median_low(state.epoch_seconds)}
    _write_json(folder / "run.json", times | {"provenance": provenance()})


def _predictions(
    cell: Cell, prepared: PreparedCorpus, fold: Fold, chosen: Mapping[str, Labels], probabilities: NDArray[np.float32]
) -> pd.DataFrame:
    """One row per test utterance: speaker, label, prediction under each rule, probabilities under the primary rule."""
    corpus, names = prepared.corpus, np.array(cell.classes)
    table = {
        "path": np.array(corpus.relative_paths)[fold.test],
        "speaker": corpus.speakers[fold.test],
        "label": names[corpus.labels[fold.test]],
    }
    table |= {rule: names[predicted] for rule, predicted in chosen.items()}
    return pd.DataFrame(table | {f"p_{name}": probabilities[:, index] for index, name in enumerate(names)})


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")
