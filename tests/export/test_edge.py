"""The install of a small computer: no TensorFlow, no MLflow, the same answers."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plb_ablate.export.convert import convert_all
from plb_ablate.export.load_run import load_run
from plb_ablate.inference.litert import LiteRTModel
from plb_ablate.predict import predict_file
from tests.export.trained import store_with_models

ROOT = Path(__file__).resolve().parents[2]

HEAVY = ("tensorflow", "keras", "mlflow", "hydra", "pandas")


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a new environment with nothing but ``pip install .[edge]``."""
    folder = tmp_path_factory.mktemp("edge")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, f"{ROOT}[edge]"], check=True, timeout=1200)
    return python


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_bare_environment_classifies_as_the_study_does(
    edge: Path,
    small_corpus: Path,
    empty_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    for name in HEAVY:
        tried = subprocess.run([str(edge), "-c", f"import {name}"], capture_output=True, check=False)
        assert tried.returncode == 1, f"{name} was installed"
    monkeypatch.chdir(tmp_path)
    config, runs = store_with_models(small_corpus, tmp_path, empty_store)
    trained = load_run(config, runs[0], tmp_path / "artifacts")
    model = convert_all(trained, tmp_path / "exported")["LiteRT int8"]
    command = [str(edge), "-m", "plb_ablate.predict", str(small_corpus), "--model", str(model), "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2), done.stderr
    said = json.loads(done.stdout)
    assert len(said["results"]) == 24
    assert not said["failures"]
    here = LiteRTModel(model)
    for result in said["results"]:
        expected = predict_file(here, Path(result["file"]))
        assert result["probabilities"] == pytest.approx(expected["probabilities"], abs=0.02)
    size = sum(file.stat().st_size for file in edge.parents[1].rglob("*") if file.is_file()) / 1e6
    record_property("edge_install_mb", round(size))
    assert size < 900
