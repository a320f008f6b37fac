"""What all tests share: where the reference material lies, and quiet libraries."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.pop("MLFLOW_TRACKING_URI", None)  # no test writes to the store of who runs it

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the golden numbers and real recordings beside the project; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"the reference material is not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a synthetic corpus of 24 recordings by 2 speakers, made once for all tests."""
    from plb_ablate.data.synthetic import corpus as synthetic

    root = tmp_path_factory.mktemp("corpus") / "synthetic"
    synthetic.generate(root, speakers=2, sentences=3)
    return root


@dataclass(frozen=True)
class CommandLine:
    """Runs the project's commands as a user does: another process, in a folder of its own."""

    folder: Path

    def run(
        self, *arguments: str, module: str = "plb_ablate", timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def start(self, *arguments: str, module: str = "plb_ablate") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def commands(tmp_path: Path) -> CommandLine:
    """The command line in an empty folder outside the checkout."""
    return CommandLine(tmp_path)


SMOKE = ("trainer=smoke", "protocol.n_splits=2", "trainer.batch_size=4")
"""Settings of a sweep that trains for seconds."""


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables and no runs, to copy: making one takes seconds."""
    from mlflow import MlflowClient

    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{file}").search_experiments()
    return file
