"""Finished cells without a training: what the trainer would have handed over, drawn at random."""

from pathlib import Path

import numpy as np

from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schema import Config, Dataset, Trainer
from plb_ablate.features.dataset import PreparedCorpus, prepare
from plb_ablate.ledger.cells import Cell, plan_cells
from plb_ablate.ledger.results import write_result
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.splits.folds import make_folds
from plb_ablate.training.checkpoint import TrainingState


def a_config(root: Path, folder: Path, **settings: object) -> Config:
    """A small study of the synthetic corpus below `root` that keeps everything in `folder`."""
    config = Config(
        dataset=Dataset("synthetic", str(root)),
        trainer=Trainer(name="smoke", epochs=3),
        protocol=Protocol("nested", n_splits=3, validation_fraction=0.3),
        ledger=str(folder / "ledger"),
        cache=str(folder / "cache"),
        **settings,  # type: ignore[arg-type]
    )
    config.tracking.uri = f"sqlite:///{folder}/mlflow.db"
    return config


def planned(config: Config) -> tuple[PreparedCorpus, list[Cell]]:
    """The corpus and the cells of a configuration."""
    prepared = prepare(config.dataset, Path(config.cache), features=config.features, n_jobs=1, progress=False)
    return prepared, plan_cells(config, prepared, prepared.save(Path(config.cache)))


def _weights(path: Path) -> None:
    path.write_bytes(b"weights")


def finish(ledger: Ledger, cell: Cell, prepared: PreparedCorpus, *, seed: int = 0) -> LedgerEntry:
    """Write a result for `cell`, from predictions drawn at random."""
    protocol = Protocol(**cell.settings["protocol"])
    fold = make_folds(prepared.corpus, protocol)[cell.fold]
    random = np.random.default_rng(seed)
    epochs, classes = cell.settings["trainer"]["epochs"], len(cell.classes)
    state = TrainingState(epoch=epochs, epoch_seconds=[8.5, *[4.0 / (epochs - 1)] * (epochs - 1)])
    for side, indices in fold.sides.items():
        names = ("loss", "accuracy") if side == "train" else ("loss", "wa", "score")
        state.history |= {f"{side}/{name}": random.random(epochs).tolist() for name in names}
        if side != "train":
            state.predicted[side] = list(random.integers(0, classes, (epochs, len(indices))))
    for rule in protocol.rules:
        state.best[rule] = epochs - 1 if rule == "last" else 1
        state.probabilities[rule] = random.dirichlet(np.ones(classes), len(fold.test)).astype("float32")
    entry = ledger.entry(cell)
    with entry.claimed(cell.description) as mine, entry.writing_result() as folder:
        assert mine
        counts = {"forward": 1416, "backward": 1416, "classifier": 260}
        write_result(folder, cell, prepared, fold, state, counts, 3000, _weights)
    return entry
