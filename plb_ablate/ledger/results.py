"""A finished training as files that a person or another program can read; the same training gives the same bytes."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
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
    """Write all that is kept of a cell into `folder`.

    Files: ``scores.json`` (scores by rule, parameters by module, sizes of the sides), ``history.csv`` (a row an epoch),
    ``predictions.csv`` (a row a test utterance), ``predicted.npz`` (predicted labels of every epoch),
    ``confusion_matrix.csv``, ``weights.weights.h5`` (of the headline rule's epoch), ``config.yaml``, and ``run.json``
    (seconds and provenance, the only file that differs between two equal trainings).
    """
    protocol = Protocol(**cell.settings["protocol"])
    labels = prepared.corpus.labels[fold.test]
    chosen = {rule: state.predicted["test"][state.best[rule]] for rule in protocol.rules}
    scores = {
        "headline": protocol.rule,
        "rules": {rule: {"epoch": state.best[rule]} | score_predictions(labels, chosen[rule]) for rule in chosen},
        "parameters": dict(parameters),
        "trainable": trainable,
        "sizes": {side: len(getattr(fold, side)) for side in ("train", "validation", "test")},
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
    epochs = {side: np.array(predicted, dtype=np.uint8) for side, predicted in state.predicted.items()}
    np.savez(folder / "predicted.npz", allow_pickle=False, labels=labels, **epochs)
    (folder / "config.yaml").write_text(yaml.safe_dump(cell.settings | {"fold": cell.fold}, sort_keys=True))
    save_weights(folder / "weights.weights.h5")
    times = {"seconds": state.seconds, "epoch_seconds": median_low(state.epoch_seconds)}
    _write_json(folder / "run.json", times | {"provenance": provenance()})


def _predictions(
    cell: Cell, prepared: PreparedCorpus, fold: Fold, chosen: Mapping[str, Labels], probabilities: NDArray[np.float32]
) -> pd.DataFrame:
    """One row a test utterance: who spoke, the label, what each rule's epoch predicts, the headline's probabilities."""
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
