"""Writes a finished training as files for people and programs; equal trainings give equal bytes."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from shutil import copyfile
from statistics import median_low
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

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
    _write_csv(folder / "history.csv", {"epoch": range(state.epoch), **state.history})
    predictions = _predictions(cell, prepared, fold, chosen, state.probabilities[protocol.rule])
    _write_csv(folder / "predictions.csv", predictions)
    matrix = np.zeros((len(cell.classes),) * 2, dtype=int)
    np.add.at(matrix, (labels, chosen[protocol.rule]), 1)
    columns = dict(zip(cell.classes, matrix.T.tolist(), strict=True))
    _write_csv(folder / "confusion_matrix.csv", {"true \\ predicted": cell.classes, **columns})
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
) -> dict[str, list[Any]]:
    """Columns: speaker, label and prediction under each rule of the test utterances, probabilities under `rule`."""
    corpus, names = prepared.corpus, np.array(cell.classes)
    table = {
        "path": np.array(corpus.relative_paths)[fold.test],
        "speaker": corpus.speakers[fold.test],
        "label": names[corpus.labels[fold.test]],
    }
    table |= {rule: names[predicted] for rule, predicted in chosen.items()}
    shortest = probabilities.astype(str)  # digits that tell float32 numbers apart
    table |= {f"p_{name}": shortest[:, index] for index, name in enumerate(names)}
    return {name: values.tolist() for name, values in table.items()}


def _write_csv(path: Path, columns: Mapping[str, Iterable[Any]]) -> None:
    """Write columns as pandas does, whose import takes 50 MB of each worker."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")
