"""What is measured: the model of a run, or of no run, in files; and the test recordings of a fold."""

from dataclasses import dataclass
from pathlib import Path

from plb_ablate.config.schema import Config, result_settings
from plb_ablate.export.convert import convert_all
from plb_ablate.export.load_run import TrainedModel, load_run
from plb_ablate.features.dataset import prepare
from plb_ablate.models.plb.network import build_model
from plb_ablate.splits.folds import make_folds

__all__ = ["Subject", "prepare_subject"]

NEEDED = ("Keras", "SavedModel", "LiteRT float32")
"""Formats that the measurements read, or that those are made from."""


@dataclass(frozen=True)
class Subject:
    """A model in files, and the recordings that it is timed on.

    Parameters
    ----------
    models : Path
        Folder with ``model.keras`` and ``model_float32.tflite``.
    recordings : list of Path
        Test side of the fold.
    classes : int
    ablation, dataset : str
    fold : int
    run_id : str
        Empty where no run was named.
    """

    models: Path
    recordings: list[Path]
    classes: int
    ablation: str
    dataset: str
    fold: int
    run_id: str


def prepare_subject(config: Config, run: str | None, folder: Path) -> Subject:
    """Write the model of a run to `folder`, or an untrained one, which takes as long."""
    trained = load_run(config, run, folder / "artifacts") if run else _untrained(config)
    convert_all(trained, folder, only=NEEDED)
    corpus = trained.prepared.corpus
    paths = [corpus.paths[index].resolve() for index in trained.fold.test]
    what = trained.settings
    return Subject(
        folder, paths, len(corpus.classes), what["ablation"], what["dataset"], trained.fold.index, trained.run_id
    )


def _untrained(config: Config) -> TrainedModel:
    prepared = prepare(config.dataset.name, Path(config.dataset.root), Path(config.cache) / "features")
    fold = make_folds(prepared.corpus, config.protocol)[config.fold or 0]
    settings = result_settings(config) | {"content": prepared.content}
    model = build_model(len(prepared.corpus.classes), config.ablation, config.reverse.name)
    return TrainedModel(model, "", "", settings, "untrained", float("nan"), prepared, fold)
