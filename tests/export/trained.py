"""A trained fold in a store, without its training: a model whose weights are drawn at random."""

import shutil
from pathlib import Path

import keras
import numpy as np

from plb_ablate.config.schema import Config
from plb_ablate.ledger.store import Ledger
from plb_ablate.models.inspection import named_weights
from plb_ablate.models.plb.network import build_model
from plb_ablate.tracking.mlflow_writer import Tracker
from tests.results_helper import a_config, finish, planned


def store_with_models(corpus: Path, folder: Path, empty_store: Path) -> tuple[Config, list[str]]:
    """Upload three folds of a variant to a store in `folder`; return the study and the folds' run ids."""
    shutil.copy(empty_store, folder / "mlflow.db")
    config = a_config(corpus, folder, ablation="none")
    prepared, cells = planned(config)
    ledger = Ledger(Path(config.ledger))
    tracker = Tracker(config.tracking, ledger)
    weights = folder / "weights.weights.h5"
    scrambled(len(cells[0].classes)).save_weights(weights)
    runs = []
    for cell in cells:
        entry = finish(ledger, cell, prepared, seed=cell.fold)
        shutil.copy(weights, entry.result / weights.name)
        runs.append(tracker.upload(entry))
    return config, runs


def scrambled(classes: int) -> keras.Model:
    """A model that tells recordings apart, though not by emotion."""
    model = build_model(classes)
    for name, weight in named_weights(model).items():
        draw = np.random.default_rng(list(name.encode()))
        positive = name.endswith(("gamma", "variance", "scale"))
        weight.assign(draw.uniform(0.5, 1.5, weight.shape) if positive else 0.1 * draw.standard_normal(weight.shape))
    return model
