"""The schema of a configuration.

Every key of ``conf/`` has its type and default here; a key that is not here is refused.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from omegaconf import MISSING, OmegaConf

from plb_ablate.config.protocol import Protocol
from plb_ablate.config.variants import same_network
from plb_ablate.core.errors import ConfigError

__all__ = [
    "Config",
    "Dataset",
    "Reverse",
    "Tracking",
    "Trainer",
    "result_settings",
]

Reverse = Enum("Reverse", {"coefficient": "coefficient", "time": "time"})
"""Axis that the backward stream sees reversed."""


@dataclass
class Dataset:
    """Which recordings.

    Parameters
    ----------
    name : str
        ``emodb``, ``ravdess``, ``iemocap`` or ``synthetic``.
    root : str
        Folder of the corpus as its authors distribute it.
    """

    name: str = MISSING
    root: str = MISSING


PRECISIONS = ("float32", "bfloat16")
"""What the large products of a training may be computed in."""


@dataclass
class Trainer:
    """How a model is trained. The defaults are the published ones.

    Parameters
    ----------
    name : str
        ``published``, ``demo`` or ``smoke``.
    epochs, batch_size : int
        Passes over the training side; utterances a step.
    learning_rate, beta_1, beta_2, epsilon : float
        Of Adam. The paper's text says 0.97 and 0.93; its experiments use 0.975 and 0.932.
    decay_from, decay_every : int
        After each epoch e (from 0) with e >= `decay_from` and e % `decay_every` == 0 ...
    decay : float
        ... the learning rate is multiplied by exp(-`decay`).
    label_smoothing : float
        Share of the uniform distribution in the training targets.
    bn_momentum : float
        Momentum of the conv blocks' moving statistics; short trainings need a smaller one than the published 0.99.
    precision : str
        ``float32``, or ``bfloat16`` for the large products of the training: quicker on processors that have it
        (AVX512-BF16, AMX), slower on others.
    """

    name: str = "published"
    epochs: int = 300
    batch_size: int = 32
    learning_rate: float = 1e-3
    beta_1: float = 0.975
    beta_2: float = 0.932
    epsilon: float = 1e-8
    decay_from: int = 50
    decay_every: int = 20
    decay: float = 0.15
    label_smoothing: float = 0.1
    bn_momentum: float = 0.99
    precision: str = "float32"

    def __post_init__(self) -> None:
        for key in ("epochs", "batch_size", "decay_every", "learning_rate", "epsilon"):
            if getattr(self, key) <= 0:
                raise ConfigError(f"trainer.{key}={getattr(self, key)} must be greater than 0.")
        for key in ("beta_1", "beta_2", "label_smoothing", "bn_momentum"):
            if not 0 <= getattr(self, key) < 1:
                raise ConfigError(f"trainer.{key}={getattr(self, key)} must be at least 0 and below 1.")
        if self.precision not in PRECISIONS:
            raise ConfigError(f"trainer.precision={self.precision} is unknown. Use {' or '.join(PRECISIONS)}.")


@dataclass
class Tracking:
    """Where results are tracked.

    Parameters
    ----------
    uri : str
        MLflow store: ``sqlite:///file.db``, ``postgresql://...`` or the address of a tracking server; null trains
        without tracking (``tracking=none``), and ``python -m plb_ablate.sync`` delivers later.
    experiment : str
        MLflow experiment.
    """

    uri: str | None = "sqlite:///mlflow.db"
    experiment: str = "plb_ablate"

    def __post_init__(self) -> None:
        if self.uri == "":
            raise ConfigError("tracking=server needs a server's address: export MLFLOW_TRACKING_URI=https://...")
        address = urlsplit(self.uri or "")
        if address.password is not None or (address.username is not None and address.scheme.startswith("http")):
            raise ConfigError(
                "tracking.uri carries credentials, which would be written down with the settings. Leave them out: "
                "a server's go into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD or MLFLOW_TRACKING_TOKEN, "
                "those of PostgreSQL into PGPASSWORD or ~/.pgpass."
            )


@dataclass
class Config:
    """One job: one variant on one corpus, all folds or one.

    Parameters
    ----------
    dataset, protocol, trainer, tracking
        Groups of settings, one YAML a choice in ``conf/``.
    ablation : str
        What is removed: ``none``, ``cbam``, ``cbam+sa``, ...; any order, kept in the canonical one.
    reverse : Reverse
        Axis that the backward stream sees reversed.
    seed : int
        Of initial weights, shuffling and dropout; the folds do not depend on it.
    fold : int, optional
        One fold only; null is all of them.
    ledger : str
        Folder that keeps every finished cell.
    cache : str
        Folder of extracted features.
    n_jobs : int, optional
        Folds trained at the same time; null is as many as there are cores.
    threads : int
        Threads of each training. Results depend on it in the last bits, so it is part of a result's identity.
    study : str, optional
        Name of the study (a file of ``experiments/``) that asked for the job.
    """

    dataset: Dataset = field(default_factory=Dataset)
    protocol: Protocol = field(default_factory=Protocol)
    trainer: Trainer = field(default_factory=Trainer)
    tracking: Tracking = field(default_factory=Tracking)
    ablation: str = "none"
    reverse: Reverse = Reverse.coefficient
    seed: int = 42
    fold: int | None = None
    ledger: str = "ledger"
    cache: str = ".cache/plb_ablate"
    n_jobs: int | None = None
    threads: int = 1
    study: str | None = None

    def __post_init__(self) -> None:
        self.ablation = same_network(self.ablation)
        for key in ("n_jobs", "threads"):
            if (value := getattr(self, key)) is not None and value < 1:
                raise ConfigError(f"{key}={value} must be 1 or more.")


def result_settings(config: Config) -> dict[str, Any]:
    """Give the settings that decide a result, as plain values (where it runs or is tracked does not)."""
    plain = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True)
    assert isinstance(plain, dict)
    kept = {str(key): plain[key] for key in ("ablation", "protocol", "trainer", "reverse", "seed", "threads")}
    return kept | {"dataset": config.dataset.name}
