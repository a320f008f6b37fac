"""The model that is measured: from a run, or untrained, as files; and the test recordings of a fold."""

from dataclasses import dataclass
from pathlib import Path

from plb_ablate.config.schema import Config, result_settings
from plb_ablate.export.convert import convert_all
from plb_ablate.export.load_run import TrainedModel, load_run
from plb_ablate.features.dataset import prepare
from plb_ablate.models.family import Network
from plb_ablate.models.registry import network_of_settings
from plb_ablate.splits.folds import make_folds

__all__ = ["Subject", "prepare_subject"]

NEEDED = ("SavedModel", "LiteRT float32")
"""Formats that the measurements need, including those that they are made from."""


@dataclass(frozen=True)
class Subject:
    """A model as files, and the recordings for inference.

    Parameters
    ----------
    models : Path
        Folder with ``model_saved`` and ``model_float32.tflite``.
    recordings : list of Path
        Test split of the fold.
    network : Network
    ablation, dataset : str
    fold : int
    run_id : str
        Id of the run; empty for an untrained model.
    """

    models: Path
    recordings: list[Path]
    network: Network
    ablation: str
    dataset: str
    fold: int
    run_id: str


def prepare_subject(config: Config, run: str | None, folder: Path) -> Subject:
    """Write the model of a run to `folder`, or an untrained model, which is equally fast."""
    trained = load_run(config, run, folder / "artifacts") if run else _untrained(config)
    convert_all(trained, folder, only=NEEDED)
    corpus = trained.prepared.corpus
    paths = [corpus.paths[index].resolve() for index in trained.fold.test]
    settings = trained.settings
    return Subject(
        folder,
        paths,
        trained.network,
        settings["ablation"],
        settings["dataset"],
        trained.fold.index,
        trained.run_id,
    )


def _untrained(config: Config) -> TrainedModel:
    prepared = prepare(
        config.dataset, Path(config.cache) / "features", features=config.features, protocol=config.protocol.name
    )
    fold = make_folds(prepared.corpus, config.protocol)[config.fold or 0]
    settings = result_settings(config) | {"content": prepared.content}
    file = Path(config.model.file) if config.model.file else None
    network = network_of_settings(settings, len(prepared.corpus.classes), prepared.input_shape, file)
    return TrainedModel(network, network.build(), "", "", settings, "untrained", float("nan"), prepared, fold)
