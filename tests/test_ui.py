"""The MLflow UI as `make ui` starts it; what a browser shows of it is tested in tests/report/test_browser.py."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from plb_ablate.tracking.ui_view import EXPERIMENT_TAGS
from plb_ablate.ui import main
from tests.tracking.servers import free_port


@pytest.fixture
def uri(empty_store: Path, tmp_path: Path) -> str:
    """A store with an experiment that has no tags yet."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    address = f"sqlite:///{tmp_path}/mlflow.db"
    MlflowClient(address).create_experiment("plb_ablate")
    return address


def test_it_answers_until_ctrl_c_and_leaves_no_process(uri: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "plb_ablate.ui", "--tracking-uri", uri, "--port", str(free_port())]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        page = started.stdout.readline().strip()
        address, _, view = page.partition("/#")
        assert view.startswith("/experiments/1/runs?")
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert b"<title>MLflow</title>" in answer.read()
        below = psutil.Process(started.pid).children(recursive=True)
        assert below
        assert not [part for process in below for part in process.cmdline() if uri in part], "others can list these"
        os.kill(started.pid, signal.SIGINT)
        assert started.wait(60) == 0
        assert not [process for process in below if process.is_running()]
    experiment = MlflowClient(uri).get_experiment_by_name("plb_ablate")
    assert experiment is not None
    assert experiment.tags == EXPERIMENT_TAGS
    (shared,) = (value for name, value in experiment.tags.items() if name.startswith("mlflow.sharedViewState."))
    assert json.loads(shared)["searchFilter"] == "tags.level != 'fold'"


def test_without_a_store_it_says_so_and_makes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db"]) == 3
    assert "Start a study first" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_taken_port_is_named(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["--tracking-uri", uri, "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"port {port}" in said
    assert "--port" in said
