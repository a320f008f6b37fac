"""An epoch as a sweep trains it: time to the first step, the part that goes into scoring, what is not TensorFlow."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from plb_ablate.bench.isolated_process import run_alone
from plb_ablate.bench.measurement import Figure
from plb_ablate.bench.steps import BATCH, CLASSES, random_features

__all__ = ["measure_epochs"]


class _Clock:
    """Seconds spent in functions, and when the first call of each ended."""

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


def measure_epochs(threads: int, batches: int, *, on_start: Callable[[str], None]) -> list[Figure]:
    """Train two epochs of a fold by the sweep's own trainer, its state written to disk after each; the second counts.

    Parameters
    ----------
    threads : int
    batches : int
        Of 32 utterances to train on; one for each nine of them is scored, as with ten folds.
    on_start : callable
        Receives what is measured next.
    """
    on_start(f"epochs of {batches} batches")
    found = run_alone(_epoch, batches, time.time(), threads=threads)
    setting = f"{found['train']} + {found['test']} utterances, {threads} threads"
    return [
        Figure("first training step", "process begun, TensorFlow loaded, model built and traced", found["first"], "s"),
        Figure("epoch", setting, found["epoch"], "s"),
        Figure("scoring", "of the epoch", found["scoring"], "s", found["scoring"] / found["epoch"], "epoch"),
        Figure("not TensorFlow", "of the epoch", found["outside"], "s", found["outside"] / found["epoch"], "epoch"),
    ]


def _epoch(batches: int, begun: float) -> dict[str, float]:
    from plb_ablate.config.protocol import Protocol
    from plb_ablate.config.schema import Trainer
    from plb_ablate.splits.folds import Fold
    from plb_ablate.training.checkpoint import TrainingState
    from plb_ablate.training.trainer import FoldTrainer

    train, test = BATCH * batches, BATCH * -(-batches // 9)
    fold = Fold(0, np.arange(train), np.arange(0), np.arange(train, train + test))
    trainer = FoldTrainer(CLASSES, "none", "coefficient", Trainer(name="bench", epochs=2, batch_size=BATCH))
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
        "first": clock.first_end["training"] - begun,
        "epoch": spent["end"],
        "scoring": spent["scoring"],
        "outside": spent["end"] - inside,
    }
