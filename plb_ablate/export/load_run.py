"""Loads a trained model: a run of the store, its weights, and the fold that it was trained on."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import yaml
from numpy.typing import NDArray

from plb_ablate.config.features import FeatureSettings
from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schema import Config
from plb_ablate.core.errors import ModelError
from plb_ablate.export import BEST
from plb_ablate.features.dataset import PreparedCorpus, prepare
from plb_ablate.inference.model_card import ModelCard
from plb_ablate.models.family import Network
from plb_ablate.models.registry import FILE, network_of_settings
from plb_ablate.splits.folds import Fold, make_folds
from plb_ablate.tracking.mlflow_reader import artifacts_of, experiment_id, finished_runs
from plb_ablate.tracking.store import open_store, store_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["TrainedModel", "find_run", "load_run"]


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """The trained model of one fold, with its corpus.

    Parameters
    ----------
    network : Network
        What was trained.
    model : keras.Model
        With the weights of the selected epoch.
    run_id, cell : str
        Ids of the fold in the store and in the ledger.
    settings : dict
        Content of the run's ``config.yaml``.
    selection_rule : str
        Rule that selected the epoch.
    wa : float
        Weighted accuracy on the test fold, as stored with the run.
    prepared : PreparedCorpus
    fold : Fold
    """

    network: Network
    model: keras.Model
    run_id: str
    cell: str
    settings: dict[str, Any]
    selection_rule: str
    wa: float
    prepared: PreparedCorpus
    fold: Fold

    @property
    def name(self) -> str:
        """Name of the training, usable as a file name: ``ravdess-none-seed42-fold0``."""
        ablation = self.settings["ablation"].replace("+", "_")
        return f"{self.settings['dataset']}-{ablation}-seed{self.settings['seed']}-fold{self.fold.index}"

    def split(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return features (n, frames, coefficients) and labels (n,) of the fold's ``train`` or ``test`` split."""
        index = getattr(self.fold, name)
        return self.prepared.features[index], self.prepared.corpus.labels[index]

    def card(self, precision: str) -> ModelCard:
        """Return the model card for a file in this precision."""
        names = ("dataset", "model", "ablation", "reverse", "seed", "content")
        kept = {key: self.settings[key] for key in names if key in self.settings}
        source = kept | {"protocol": self.settings["protocol"]["name"], "fold": self.fold.index, "run": self.run_id}
        source |= {"cell": self.cell, "headline": self.selection_rule, "wa": self.wa}
        return ModelCard(self.prepared.corpus.classes, self.prepared.settings, precision, source)


def find_run(client: "MlflowClient", experiment: str, run: str, dataset: str) -> str:
    """Return the id of the fold's run that `run` selects.

    Parameters
    ----------
    client : MlflowClient
    experiment : str
        Name of the MLflow experiment.
    run : str
        Id of a fold's run; id of a variant's run, which selects its best fold; or ``best``, the best fold of `dataset`.
    dataset : str
        Dataset that ``best`` refers to.

    Raises
    ------
    ModelError
        If the run does not exist or is not finished.
    """
    if run == BEST:
        return _best(client, experiment, {"dataset": dataset}, f"dataset={dataset}")
    from mlflow.exceptions import MlflowException

    try:
        stored = client.get_run(run)
    except MlflowException:
        raise ModelError(f"run={run} is not in the store. Use the id of a fold's run, or run=best.") from None
    level = stored.data.tags.get("level")
    if level == "config":
        return _best(client, experiment, {"mlflow.parentRunId": run}, f"run={run}")
    if level != "fold" or stored.info.status != "FINISHED":
        raise ModelError(
            f"run={run} has status {stored.info.status} and level {level}: it contains no trained model. "
            "Use the id of a finished fold's run, or run=best."
        )
    return run


def _best(client: "MlflowClient", experiment: str, tags: dict[str, str], selection: str) -> str:
    runs = finished_runs(client, experiment_id(client, experiment), tags | {"level": "fold"}, ("headline",), None)
    scored = [(run.metrics.get(f"{run.tags.get('headline')}/wa", -1.0), run.run_id) for run in runs]
    if not scored:
        raise ModelError(
            f"{selection}: the store has no finished fold. Train one: python -m plb_ablate {_settings(tags)}."
        )
    return max(scored, key=lambda pair: pair[0])[1]


def _settings(tags: dict[str, str]) -> str:
    """Write tags as settings, without MLflow's own tags."""
    return " ".join(f"{key}={value}" for key, value in tags.items() if "." not in key)


def load_run(config: Config, run: str, folder: Path) -> TrainedModel:
    """Build the model of a run, with its weights, and prepare the corpus that it was trained on.

    Parameters
    ----------
    config : Config
        Names the store, the corpus and the cache.
    run : str
        See `find_run`.
    folder : Path
        Folder that the run's artifacts are downloaded to.

    Raises
    ------
    ModelError
        If the run has no weights, or was trained on different recordings.
    StoreError, CorpusError
        If the store or the corpus cannot be read.
    """
    if config.tracking.uri is None:
        raise ModelError(
            "tracking.uri=null: runs are read from an MLflow store. Name one, for example tracking.uri=sqlite:///mlflow.db."
        )
    client = open_store(config.tracking.uri)
    with store_errors(config.tracking.uri):
        run_id = find_run(client, config.tracking.experiment, run, config.dataset.name)
        settings, weights, model_file = _artifacts(client, run_id, folder)
        stored = client.get_run(run_id).data
    if settings["dataset"] != config.dataset.name:
        raise ModelError(
            f"run={run_id} was trained on {settings['dataset']}, not {config.dataset.name}: "
            f"use dataset={settings['dataset']}, with its dataset.root, or the settings dataset.* of that own corpus."
        )
    features = FeatureSettings(**settings.get("features", {}))
    prepared = prepare(
        config.dataset, Path(config.cache) / "features", features=features, protocol=settings["protocol"]["name"]
    )
    if settings["content"] not in (prepared.content, prepared.as_earlier().content):
        raise ModelError(
            f"dataset.root={config.dataset.root} does not contain the recordings that run={run_id} was trained on, "
            "or other labels or speakers are given, so its test fold would be another one. Name what the run used."
        )
    fold = make_folds(prepared.corpus, Protocol(**settings["protocol"]))[settings["fold"]]
    network = network_of_settings(settings, len(prepared.corpus.classes), prepared.input_shape, model_file)
    network = replace(network, settings=replace(network.settings, precision="float32"))  # as inference always is
    model = network.build()
    model.load_weights(weights)
    rule = stored.tags["headline"]
    wa = stored.metrics[f"{rule}/wa"]
    return TrainedModel(network, model, run_id, stored.tags["cell"], settings, rule, wa, prepared, fold)


def _artifacts(client: "MlflowClient", run_id: str, folder: Path) -> tuple[dict[str, Any], Path, Path | None]:
    """Download the settings, the weights and, if there is one, the user's model file."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    folder.mkdir(parents=True, exist_ok=True)
    uri = artifacts_of(client, run_id)

    def fetched(name: str) -> Path:
        return Path(download_artifacts(f"{uri}/{name}", dst_path=str(folder), tracking_uri=client.tracking_uri))

    try:
        settings, weights = yaml.safe_load(fetched("config.yaml").read_text()), fetched("weights.weights.h5")
        model = settings.get("model", {})
        model_file = fetched(model["file"]) if model.get("name") == FILE else None
    except (MlflowException, OSError) as error:
        raise ModelError(f"The weights of run={run_id} cannot be downloaded from the store: {error}") from None
    return settings, weights, model_file
