"""Training checkpoint: the complete state of a training after an epoch, saved as NumPy arrays."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plb_ablate.core.atomic_files import replacing

__all__ = ["TrainingState"]

Array = NDArray[Any]


@dataclass
class TrainingState:
    """State of the training of one fold after an epoch, sufficient to resume and to score it.

    Parameters
    ----------
    epoch : int
        Number of completed epochs.
    variables : list of array
        Model weights, then optimiser variables.
    history : dict of str to list of float
        One value per epoch for each curve, for example ``train/loss`` or ``test/wa``.
    predicted : dict of str to list of int array (n,)
        Predicted labels after every epoch, by split (``test``, ``validation``).
    best : dict of str to int
        Epoch selected so far by each rule.
    probabilities : dict of str to float32 (n_test, classes)
        Class probabilities of the test split at the epoch selected by each rule.
    weights : dict of str to array
        Named weights at the epoch selected by the protocol's `headline` rule.
    epoch_seconds : list of float
        Duration of each epoch; the first epoch of a process includes tracing the model.
    """

    epoch: int = 0
    variables: list[Array] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)
    predicted: dict[str, list[Array]] = field(default_factory=dict)
    best: dict[str, int] = field(default_factory=dict)
    probabilities: dict[str, Array] = field(default_factory=dict)
    weights: dict[str, Array] = field(default_factory=dict)
    epoch_seconds: list[float] = field(default_factory=list)

    @property
    def not_finite(self) -> tuple[str, ...]:
        """What is infinite or NaN after the last epoch: names of curves, ``probabilities``, ``weights``."""
        found = [name for name, curve in self.history.items() if not np.isfinite(curve[-1:]).all()]
        arrays = {"probabilities": self.probabilities.values(), "weights": (*self.variables, *self.weights.values())}
        return (*found, *(name for name, values in arrays.items() if not all(np.isfinite(v).all() for v in values)))

    @property
    def seconds(self) -> float:
        """Total training time, without interruptions."""
        return sum(self.epoch_seconds)

    def save(self, path: Path) -> None:
        """Write the state to `path` (npz) atomically."""
        arrays = {f"variables/{i}": value for i, value in enumerate(self.variables)}
        arrays |= {f"history/{name}": np.array(curve) for name, curve in self.history.items()}
        arrays |= {f"predicted/{side}": np.array(labels) for side, labels in self.predicted.items()}
        arrays |= {f"probabilities/{rule}": value for rule, value in self.probabilities.items()}
        arrays |= {f"weights/{name}": value for name, value in self.weights.items()}
        meta = json.dumps({"epoch": self.epoch, "best": self.best, "epoch_seconds": self.epoch_seconds})
        with replacing(path) as draft, draft.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays, meta=np.array(meta))

    @classmethod
    def load(cls, path: Path) -> "TrainingState":
        """Read a file written by `save`.

        Raises
        ------
        OSError, ValueError, KeyError, zipfile.BadZipFile
            If the file is missing or damaged.
        """
        with np.load(io.BytesIO(path.read_bytes())) as stored:
            groups: dict[str, dict[str, Array]] = {}
            for key in stored.files:
                group, _, name = key.partition("/")
                groups.setdefault(group, {})[name] = stored[key]
        meta = json.loads(str(groups["meta"][""]))
        return cls(
            epoch=meta["epoch"],
            variables=list(groups["variables"].values()),
            history={name: curve.tolist() for name, curve in groups["history"].items()},
            predicted={side: list(labels) for side, labels in groups["predicted"].items()},
            best=meta["best"],
            probabilities=groups["probabilities"],
            weights=groups["weights"],
            epoch_seconds=meta["epoch_seconds"],
        )
