"""All that a training is after some epochs, as plain arrays that can be kept on disk."""

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
    """All that a training of one fold is after some epochs: enough to go on, and to score it.

    Parameters
    ----------
    epoch : int
        Epochs done.
    variables : list of array
        Model weights, then optimiser variables.
    history : dict of str to list of float
        One value an epoch for each curve, for example ``train/loss`` or ``test/wa``.
    predicted : dict of str to list of int array (n,)
        Predicted labels after every epoch, by side (``test``, ``validation``).
    best : dict of str to int
        Epoch chosen so far by each rule.
    probabilities : dict of str to float32 (n_test, classes)
        Test probabilities at the epoch that each rule chose.
    weights : dict of str to array
        Named weights at the epoch that the headline rule chose.
    epoch_seconds : list of float
        Time that each epoch took; the first of a process also traces the model.
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
    def seconds(self) -> float:
        """Time spent in training, summed over interruptions."""
        return sum(self.epoch_seconds)

    def save(self, path: Path) -> None:
        """Write the state to `path` (npz) in one step: a reader finds the old file or the new one, never a part."""
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
        """Read what `save` wrote.

        Raises
        ------
        OSError, ValueError, KeyError, zipfile.BadZipFile
            If there is no such file, or it is damaged.
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
