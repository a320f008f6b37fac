"""Every exported file is opened anew, as its user would."""

import dataclasses
import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from mlflow import MlflowClient

from plb_ablate import predict
from plb_ablate.config.features import FeatureSettings
from plb_ablate.config.schema import Config
from plb_ablate.core.errors import ConfigError, ModelError
from plb_ablate.export.convert import FORMATS, convert_all
from plb_ablate.export.load_run import TrainedModel, find_run, load_run
from plb_ablate.export.mlflow_upload import upload_export
from plb_ablate.export.verify import FormatCheck, check_formats, keras_predictor
from plb_ablate.inference.litert import LiteRTModel, runtime
from plb_ablate.inference.model_card import CARD, read_card
from tests.conftest import CommandLine
from tests.export.trained import store_with_models

LITERT = 1e-5
"""Largest difference in a probability: LiteRT's own kernels sum and round in another order than TensorFlow's."""


@dataclass(frozen=True)
class Export:
    config: Config
    runs: list[str]
    trained: TrainedModel
    files: dict[str, Path]
    checks: list[FormatCheck]


@pytest.fixture(scope="module")
def export(small_corpus: Path, empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Export]:
    """The best of three folds in every format."""
    folder = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        config, runs = store_with_models(small_corpus, folder, empty_store)
        trained = load_run(config, "best", folder / "artifacts")
        files = convert_all(trained, folder / "exported")
        yield Export(config, runs, trained, files, check_formats(trained, files, threads=1))


def test_best_is_the_fold_with_the_highest_headline_score(export: Export) -> None:
    client = MlflowClient(export.config.tracking.uri)
    scores = {run: client.get_run(run).data.metrics["best_validation/wa"] for run in export.runs}
    assert scores[export.trained.run_id] == max(scores.values()) == export.trained.wa
    parent = client.get_run(export.runs[0]).data.tags["mlflow.parentRunId"]
    assert find_run(client, "plb_ablate", parent, "synthetic") == export.trained.run_id
    assert find_run(client, "plb_ablate", export.runs[1], "synthetic") == export.runs[1]


def test_every_format_does_what_the_trained_model_does(export: Export) -> None:
    assert [check.format for check in export.checks] == list(FORMATS)
    allowed = {"Keras": 1e-6, "SavedModel": 1e-6, "LiteRT float32": LITERT, "LiteRT float16": 5e-3, "LiteRT int8": 0.1}
    for check in export.checks:
        assert check.largest_difference <= allowed[check.format], check
        assert check.p50_ms > 0
        if check.format != "LiteRT int8":
            assert check.wa_difference == 0.0
    sizes = {check.format: check.bytes for check in export.checks}
    assert sizes["LiteRT int8"] < sizes["LiteRT float16"] < sizes["LiteRT float32"]


def test_int8_rounds_what_its_products_read_and_nothing_else(export: Export) -> None:
    interpreter = runtime()(model_path=str(export.files["LiteRT int8"]))
    kinds = [operation["op_name"] for operation in interpreter._get_ops_details()]
    assert kinds.count("QUANTIZE") == 7, "dilated convolution, pointwise convolution, five products of the routing"


def test_the_check_sees_a_model_that_differs(export: Export, tmp_path: Path) -> None:
    other = keras.models.clone_model(export.trained.model)
    other.save(tmp_path / "other.keras")
    (check,) = check_formats(export.trained, {"Keras": tmp_path / "other.keras"}, threads=1)
    assert check.largest_difference > 1e-3


def without_litert(layer: keras.layers.Layer) -> keras.Model:
    """A model that has a layer which a format of LiteRT cannot hold."""
    inputs = keras.Input((196, 39, 1))
    x = layer(keras.layers.Reshape((196, 39))(inputs))
    return keras.Model(inputs, keras.layers.Dense(8, activation="softmax")(x))


@pytest.mark.parametrize(
    ("layer", "reasons"),
    [
        (keras.layers.GRU(4), {"LiteRT int8": "the calibration of LiteRT crashes in loops (WHILE)"}),
        (
            keras.layers.Lambda(lambda x: keras.ops.erfinv(keras.ops.tanh(x[:, 0] / 1000))),
            {
                "LiteRT float32": "LiteRT has no operation Erfinv",
                "LiteRT float16": "LiteRT has no operation Erfinv",
                "LiteRT int8": "it is made from LiteRT float32, which was not written",
            },
        ),
    ],
)
def test_a_format_that_cannot_hold_a_model_says_why(
    export: Export, tmp_path: Path, layer: keras.layers.Layer, reasons: dict[str, str]
) -> None:
    trained = dataclasses.replace(export.trained, model=without_litert(layer))
    refused: dict[str, str] = {}
    files = convert_all(trained, tmp_path, on_refused=refused.__setitem__)
    assert list(files) == [name for name in FORMATS if name not in reasons]
    assert all(path.exists() for path in files.values())
    assert {name: reason[: len(reasons[name])] for name, reason in refused.items()} == reasons
    assert not (tmp_path / "model_int8.tflite").exists()
    with pytest.raises(ModelError, match=re.escape(f"{next(iter(reasons))} cannot hold the model of")):
        convert_all(trained, tmp_path / "whole", only=[name for name in FORMATS if name != "Keras"])
    checks = check_formats(trained, {name: path for name, path in files.items() if name != "Keras"}, threads=1)
    assert all(check.largest_difference < 5e-3 for check in checks)


def test_every_file_says_what_it_is(export: Export) -> None:
    for name, path in export.files.items():
        card = read_card(path)
        assert card.classes == export.trained.prepared.corpus.classes
        assert card.features == FeatureSettings()
        assert card.precision == (name.split()[1] if " " in name else "float32")
        assert card.source["run"] == export.trained.run_id
        assert card.source["fold"] == export.trained.fold.index
    with zipfile.ZipFile(export.files["LiteRT int8"]) as archive:
        assert json.loads(archive.read(CARD))["classes"] == list(export.trained.prepared.corpus.classes)


def test_mlflow_loads_the_model(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    uri = upload_export(export.config.tracking, export.trained, export.files, export.checks)
    assert "MLFLOW_TRACKING_URI" not in os.environ, "commands started later would take it for the user's"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(export.config.tracking.uri))
    model = mlflow.pyfunc.load_model(uri)
    features, _ = export.trained.split("test")
    expected = keras_predictor(export.trained.model)(features)
    np.testing.assert_allclose(model.predict(features), expected, atol=LITERT)
    assert model.metadata.signature.inputs.inputs[0].shape == (-1, 196, 39)
    assert model.metadata.signature.outputs.inputs[0].shape == (-1, 4)
    client = MlflowClient(export.config.tracking.uri)
    run = client.get_run(model.metadata.run_id)
    assert run.data.tags["level"] == "export"
    assert run.data.tags["mlflow.parentRunId"] == export.trained.run_id
    assert run.data.metrics["LiteRT int8/bytes"] == export.files["LiteRT int8"].stat().st_size
    names = {file.path for file in client.list_artifacts(run.info.run_id, "formats")}
    assert names == {f"formats/{path.name}" for path in export.files.values()}
    assert client.get_run(export.trained.run_id).info.status == "FINISHED"


def test_recordings_are_classified_as_in_training(export: Export) -> None:
    path = export.files["LiteRT float32"]
    corpus, (features, _) = export.trained.prepared.corpus, export.trained.split("test")
    expected = keras_predictor(export.trained.model)(features)
    for index, row in zip(export.trained.fold.test, expected, strict=True):
        result = predict.predict_file(LiteRTModel(path), corpus.paths[index])
        assert list(result["probabilities"]) == list(corpus.classes)
        assert list(result["probabilities"].values()) == pytest.approx(row, abs=LITERT)
        assert result["emotion"] == corpus.classes[row.argmax()]


@pytest.mark.parametrize(
    ("run", "message"),
    [("best", "no finished fold"), ("0123", "is not in the store")],
)
def test_a_run_that_is_not_there(export: Export, run: str, message: str) -> None:
    client = MlflowClient(export.config.tracking.uri)
    with pytest.raises(ModelError, match=message):
        find_run(client, "plb_ablate", run, "ravdess")


def test_other_recordings_than_those_of_the_training_are_refused(export: Export, tmp_path: Path) -> None:
    from plb_ablate.data.synthetic import corpus as synthetic

    synthetic.generate(tmp_path / "other", speakers=1, sentences=1)
    config = export.config
    root, config.dataset.root = config.dataset.root, str(tmp_path / "other")
    try:
        with pytest.raises(ModelError, match="does not contain the recordings"):
            load_run(config, "best", tmp_path)
    finally:
        config.dataset.root = root


def test_a_broken_model_is_an_error(export: Export, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(export.files["LiteRT float32"].read_bytes()[:1000])
    with pytest.raises(ModelError, match="has no valid model card"):
        LiteRTModel(broken)
    shutil.copy(export.files["Keras"], broken)
    with pytest.raises(ModelError, match="cannot be run by LiteRT"):
        LiteRTModel(broken)
    with pytest.raises(ModelError, match="does not exist"):
        LiteRTModel(tmp_path / "none.tflite")
    with pytest.raises(ConfigError, match="threads=0"):
        LiteRTModel(export.files["LiteRT float32"], threads=0)


def test_the_command_wants_one_run(commands: CommandLine) -> None:
    done = commands.run("dataset=synthetic", module="plb_ablate.export")
    assert done.returncode == 2
    assert "run=best" in done.stderr
