"""A study of log-mel spectrograms by the real commands: sweep, report, export, prediction."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from plb_ablate.inference.model_card import read_card
from tests.conftest import SMOKE, CommandLine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FEATURES = ("features=logmel", "features.n_mels=40", "features.target_length=44100")
LABEL = "logmel target_length=44100 n_mels=40"
SHAPE = [87, 40]


@pytest.fixture(scope="module")
def study(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    commands = CommandLine(tmp_path_factory.mktemp("study"))
    done = commands.run("-m", "ablation=none,cbam", f"dataset.root={small_corpus}", "fold=0", *SMOKE, *FEATURES)
    assert done.returncode == 0, done.stderr
    return commands


def test_the_features_are_part_of_every_record(study: CommandLine) -> None:
    cells = [json.loads(file.read_text()) for file in study.folder.glob("ledger/*/cell.json")]
    assert [(cell["features"]["name"], cell["features"]["n_mels"]) for cell in cells] == [("logmel", 40)] * 2
    client = MlflowClient(f"sqlite:///{study.folder}/mlflow.db")
    experiment = client.get_experiment_by_name("plb_ablate")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 4
    for run in runs:
        assert run.data.tags["features"] == LABEL
        assert run.data.params["features.name"] == "logmel"
        assert f"features {LABEL}" in run.data.tags["mlflow.note.content"]
    done = study.run("--out", "report", module="plb_ablate.report")
    assert done.returncode == 0, done.stderr
    page = (study.folder / "report" / "synthetic.md").read_text()
    assert f"trainer=smoke, features {LABEL}, seed 42" in page
    assert f"|features|{LABEL}|" in page


def test_a_model_of_other_features_is_exported_and_used(study: CommandLine, small_corpus: Path) -> None:
    """The run says what its features are; nobody has to."""
    done = study.run("run=best", f"dataset.root={small_corpus}", module="plb_ablate.export", timeout=600)
    assert done.returncode == 0, done.stderr
    (model,) = study.folder.glob("exports/*/model_float32.tflite")
    card = read_card(model)
    assert [*card.features.shape] == SHAPE
    assert card.features.label == LABEL
    recording = min(small_corpus.rglob("*.wav"))
    done = study.run(str(recording), "--model", str(model), "--json", module="plb_ablate.predict")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert sum(result["probabilities"].values()) == pytest.approx(1, abs=1e-5)
