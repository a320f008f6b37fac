"""What other libraries read from the environment is set in one place, before any of them is imported."""

import os
import subprocess
import sys
from pathlib import Path

import plb_ablate

SETS = (
    "GIT_PYTHON_REFRESH",
    "MLFLOW_DISABLE_TELEMETRY",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
    "MLFLOW_HTTP_REQUEST_TIMEOUT",
    "TF_ENABLE_ONEDNN_OPTS",
)


def with_package(**environment: str) -> list[str]:
    """What the variables are once the package is imported, in an environment that has none but those given."""
    clean = {name: value for name, value in os.environ.items() if name not in SETS}
    program = f"import os, plb_ablate; print(*[os.environ.get(name) for name in {SETS}])"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_they_are_set_with_the_package_and_the_user_comes_first() -> None:
    assert with_package() == ["quiet", "true", "3", "30", "1"]
    assert with_package(MLFLOW_HTTP_REQUEST_MAX_RETRIES="7") == ["quiet", "true", "7", "30", "1"]


def test_no_other_file_sets_those_of_mlflow() -> None:
    package, names = Path(plb_ablate.__file__).parent, [name for name in SETS if name.startswith("MLFLOW")]
    naming = [path for path in package.rglob("*.py") if any(name in path.read_text() for name in names)]
    assert naming == [package / "__init__.py"]
