"""Time of an epoch in a sweep: time to the first step, share of scoring, share outside TensorFlow."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from plb_ablate.bench.isolated_process import run_alone
from plb_ablate.bench.measurement import Measurement
from plb_ablate.bench.steps import BATCH, CLASSES, published_network, random_features

__all__ = ["measure_epochs"]


class _Clock:
    """Measures the seconds spent in functions, and when the first call of each ended."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.first_end: dict[str, float] = {}

    def watch(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.spent[name] = self.spent.get(name, 0.0) + time.perf_counter() - begin
                self.first_end.setdefault(name, time.time())

        return watched


def measure_epochs(threads: int, batches: int, *, on_start: Callable[[str], None]) -> list[Measurement]:
    """Train two epochs of a fold with the trainer of a sweep, with checkpoints; the second epoch is measured.

    Parameters
    ----------
    threads : int
    batches : int
        Training batches of 32 utterances; one test batch is scored for every nine of them, as with ten folds.
    on_start : callable
        Called with the name of each measurement before it starts.
    """
    on_start(f"epochs of {batches} batches")
    seconds = run_alone(_epoch, batches, time.time(), threads=threads)
    setting = f"{seconds['train']} + {seconds['test']} utterances, {threads} threads"
    return [
        Measurement(
            "first training step",
            "from process start: TensorFlow loaded, model built and traced",
            seconds["first"],
            "s",
        ),
        Measurement("epoch", setting, seconds["epoch"], "s"),
        Measurement("scoring", "of the epoch", seconds["scoring"], "s", seconds["scoring"] / seconds["epoch"], "epoch"),
        Measurement(
            "outside TensorFlow",
            "of the epoch",
            seconds["outside"],
            "s",
            seconds["outside"] / seconds["epoch"],
            "epoch",
        ),
    ]


def _epoch(batches: int, started: float) -> dict[str, float]:
    from plb_ablate.config.protocol import Protocol
    from plb_ablate.config.schema import Trainer
    from plb_ablate.splits.folds import Fold
    from plb_ablate.training.checkpoint import TrainingState
    from plb_ablate.training.trainer import FoldTrainer

    train, test = BATCH * batches, BATCH * -(-batches // 9)
    fold = Fold(0, np.arange(train), np.arange(0), np.arange(train, train + test))
    trainer = FoldTrainer(published_network("none"), Trainer(name="bench", epochs=2, batch_size=BATCH))
    clock, epochs = _Clock(), []
    trainer.model.make_train_function()
    trainer.model.train_function = clock.watch("training", trainer.model.train_function)
    trainer._infer = clock.watch("scoring", trainer._infer)

    with tempfile.TemporaryDirectory(prefix="plb-bench-") as folder:

        def note(state: TrainingState) -> None:
            state.save(Path(folder) / "state.npz")
            epochs.append({"end": time.perf_counter()} | clock.spent)

        features, labels = random_features(train + test)[..., 0], np.arange(train + test) % CLASSES
        trainer.fit_fold(features, labels, fold, Protocol("published"), seed=0, on_epoch=note)
    first, second = epochs
    spent = {name: second[name] - first[name] for name in second}
    inside = spent["training"] + spent["scoring"]
    return {
        "train": train,
        "test": test,
        "first": clock.first_end["training"] - started,
        "epoch": spent["end"],
        "scoring": spent["scoring"],
        "outside": spent["end"] - inside,
    }
