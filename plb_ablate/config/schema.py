"""The schema of a configuration.

The type and default of every key of ``conf/`` are defined here; unknown keys are rejected.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from omegaconf import OmegaConf

from plb_ablate.config.dataset import Dataset
from plb_ablate.config.designs import known_design
from plb_ablate.config.features import FeatureSettings
from plb_ablate.config.model import Model
from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schedule import Schedule
from plb_ablate.config.trainer import Trainer
from plb_ablate.core.credentials import WAY_OUT, has_secret
from plb_ablate.core.errors import ConfigError
from plb_ablate.core.gpus import DEVICES
from plb_ablate.core.paths import expand_path, expand_store
from plb_ablate.models.family import WHOLE, BuildSettings
from plb_ablate.models.registry import FAMILIES

__all__ = [
    "Config",
    "Dataset",
    "Reverse",
    "Tracking",
    "Trainer",
    "result_settings",
]

Reverse = Enum("Reverse", {"coefficient": "coefficient", "time": "time"})
"""Axis along which the input of the backward stream is reversed."""


@dataclass
class Tracking:
    """Where results are uploaded.

    Parameters
    ----------
    uri : str
        MLflow tracking URI: ``sqlite:///file.db``, ``postgresql+psycopg2://...`` or the URL of a tracking server,
        without credentials. By default ``MLFLOW_TRACKING_URI``, if it is set. With null (``tracking=none``) nothing is
        uploaded during training; ``python -m plb_ablate.sync`` uploads later.
    experiment : str
        Name of the MLflow experiment.
    """

    uri: str | None = "sqlite:///mlflow.db"
    experiment: str = "plb_ablate"

    def __post_init__(self) -> None:
        if self.uri == "":
            raise ConfigError("tracking=server needs the URL of a server: export MLFLOW_TRACKING_URI=https://...")
        self.uri = expand_store(self.uri, "tracking.uri") if self.uri else None
        if has_secret(self.uri or ""):
            raise ConfigError(
                f"tracking.uri contains credentials, which would be saved with the settings. Remove them. {WAY_OUT}"
            )


@dataclass
class Config:
    """One job: one variant on one corpus, for all folds or a single one.

    Parameters
    ----------
    dataset, features, protocol, model, trainer, tracking, schedule
        Groups of settings; each option is a YAML file in ``conf/``.
    ablation : str
        Modules of the model to remove: ``none``, ``cbam``, ``cbam+sa``, ...; any order, converted to the canonical one.
    design : str, optional
        With ``-m`` and instead of `ablation`, the variants by name: ``leave_one_out``, ``add_one_in``, ``factorial``,
        ``half`` or ``pairs``.
    modules : str, optional
        With ``-m``, the only modules that the design removes, joined by ``+``; null is all of the model. Without a
        `design`, each is left out alone.
    reverse : Reverse
        Axis along which the input of the backward stream is reversed.
    seed : int
        Seed of weight initialisation, shuffling and dropout; the folds do not depend on it.
    fold : int, optional
        Index of the only fold to train; null trains all folds.
    ledger : str
        Folder in which the results of finished cells are stored.
    cache : str
        Folder in which extracted features are cached.
    n_jobs : int, optional
        Number of folds trained in parallel; null uses the number of CPU cores, or of GPUs with `device=gpu`, and fewer
        if the free memory does not hold as many.
    device : str
        ``cpu``, ``gpu``, or ``auto``: the GPUs if TensorFlow can use any on the machine that starts the sweep. Results
        of GPUs have their own cell ids, because their last bits differ.
    deterministic : bool
        Whether equal settings must give equal weights, bit for bit. False allows a GPU's faster kernels, and those
        without a deterministic version; such results have their own cell ids.
    threads : int
        Number of threads of each training. It affects the last bits of a result, so it is part of the cell id.
    study : str, optional
        Name of the study (a file of ``experiments/``) to which the job belongs.
    """

    dataset: Dataset = field(default_factory=Dataset)
    protocol: Protocol = field(default_factory=Protocol)
    trainer: Trainer = field(default_factory=Trainer)
    tracking: Tracking = field(default_factory=Tracking)
    model: Model = field(default_factory=Model)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    schedule: Schedule = field(default_factory=Schedule)
    ablation: str = WHOLE
    design: str | None = None
    modules: str | None = None
    reverse: Reverse = Reverse.coefficient
    seed: int = 42
    fold: int | None = None
    ledger: str = "ledger"
    cache: str = ".cache/plb_ablate"
    n_jobs: int | None = None
    device: str = "auto"
    deterministic: bool = True
    threads: int = 1
    study: str | None = None

    def __post_init__(self) -> None:
        family = self.model.family
        family.check(self.build_settings)
        self.ablation = family.same_network(self.ablation)
        self.trainer.loss = self.trainer.loss or family.loss
        if self.design is not None:
            known_design(self.design)
        self.ledger, self.cache = expand_path(self.ledger, "ledger"), expand_path(self.cache, "cache")
        if self.device not in DEVICES:
            raise ConfigError(f"device={self.device} is unknown. Use one of {', '.join(DEVICES)}.")
        for key in ("n_jobs", "threads"):
            if (value := getattr(self, key)) is not None and value < 1:
                raise ConfigError(f"{key}={value} must be 1 or more.")

    @property
    def build_settings(self) -> BuildSettings:
        """The settings of the network that are not its variant."""
        return BuildSettings(self.reverse.name, self.trainer.bn_momentum, self.trainer.precision)


EARLIER = FAMILIES["plb"]
"""The only model family of earlier versions."""


def result_settings(config: Config) -> dict[str, Any]:
    """Return the settings that affect a result, as plain values; excludes where it runs and where it is uploaded.

    What was always so in earlier versions is left out, so that their results keep their ids: the published network and
    its loss, the CPU, and deterministic kernels.
    """
    plain = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True)
    assert isinstance(plain, dict)
    kept = {str(key): plain[key] for key in ("ablation", "protocol", "trainer", "reverse", "seed", "threads")}
    unusual: dict[str, Any] = {"device": "gpu"} if config.device == "gpu" else {}
    unusual |= {} if config.deterministic else {"deterministic": False}
    unusual |= {} if config.model.name == EARLIER.name else {"model": config.model.identity}
    if kept["trainer"]["loss"] == EARLIER.loss:
        del kept["trainer"]["loss"]
    unusual |= {"features": config.features.changed} if config.features.changed else {}
    return kept | {"dataset": config.dataset.name} | unusual
