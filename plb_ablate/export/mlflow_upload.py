"""Upload of an exported model to MLflow: a run below the fold's run, with the files and a loadable model."""

import importlib.metadata
import importlib.util
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray

import plb_ablate
from plb_ablate.config.schema import Tracking
from plb_ablate.export.load_run import TrainedModel
from plb_ablate.export.verify import FormatCheck
from plb_ablate.tracking.mlflow_reader import experiment_id
from plb_ablate.tracking.run_fields import log_metrics, metrics_of, numbers, tags_below
from plb_ablate.tracking.store import open_store, store_errors

__all__ = ["upload_export"]

LOGGED = "LiteRT float32"
"""The format that the model in MLflow uses."""

REQUIREMENTS = ("librosa", "natsort", "numpy", "rich", "scipy", "soundfile")
"""Packages that the model needs besides LiteRT."""


def upload_export(
    tracking: Tracking, trained: TrainedModel, files: Mapping[str, Path], checks: Sequence[FormatCheck]
) -> str | None:
    """Log an export and return the URI of the model, ``models:/m-...``, for ``mlflow.pyfunc.load_model``.

    Without a LiteRT file there is no such model, and None is returned.

    Parameters
    ----------
    tracking : Tracking
        Store and experiment.
    trained : TrainedModel
    files : mapping of str to Path
        From `plb_ablate.export.convert.convert_all`.
    checks : sequence of FormatCheck
        Logged as metrics such as ``LiteRT int8/wa``, and as ``export.json``.

    Raises
    ------
    StoreError
        If the store cannot be written.
    """
    client = open_store(str(tracking.uri))
    example = trained.split("test")[0][:1]
    with store_errors(str(tracking.uri)), _tracked_at(client.tracking_uri):
        logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)
        settings = {key: trained.settings[key] for key in ("dataset", "ablation", "seed", "reverse")}
        settings |= {"fold": trained.fold.index, "cell": trained.cell}
        tags = tags_below(trained.run_id, "export", **settings)
        experiment = experiment_id(client, tracking.experiment, writing=True)
        with mlflow.start_run(experiment_id=experiment, run_name=f"export {trained.name}", tags=tags) as run:
            measured = numbers({check.format: asdict(check) for check in checks})
            log_metrics(client, run.info.run_id, metrics_of(measured))
            client.log_text(run.info.run_id, json.dumps([asdict(c) for c in checks], indent=1), "export.json")
            for path in files.values():
                log = mlflow.log_artifacts if path.is_dir() else mlflow.log_artifact
                log(str(path), f"formats/{path.name}" if path.is_dir() else "formats")
            if LOGGED not in files:
                return None
            logged = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(Path(__file__).with_name("pyfunc_model.py")),
                artifacts={"litert": str(files[LOGGED])},
                signature=_signature(example, len(trained.prepared.corpus.classes)),
                input_example=example,
                code_paths=[str(Path(plb_ablate.__file__).parent)],
                pip_requirements=_requirements(),
            )
    return str(logged.model_uri)


@contextmanager
def _tracked_at(uri: str) -> Iterator[None]:
    """Let MLflow's module-level functions use a store, and restore the environment variable afterwards."""
    kept = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(kept)


def _signature(example: NDArray[np.float32], classes: int) -> ModelSignature:
    inputs = TensorSpec(example.dtype, (-1, *example.shape[1:]))
    outputs = TensorSpec(example.dtype, (-1, classes))
    return ModelSignature(Schema([inputs]), Schema([outputs]))


def _requirements() -> list[str]:
    """Return the requirements of the model, in the versions that it was checked with."""
    installed = {name: importlib.metadata.version(name) for name in (*REQUIREMENTS, _runtime_distribution())}
    return [f"{name}=={version}" for name, version in installed.items()]


def _runtime_distribution() -> str:
    """LiteRT is a package of its own, or a part of TensorFlow."""
    return "ai-edge-litert" if importlib.util.find_spec("ai_edge_litert") else "tensorflow"
