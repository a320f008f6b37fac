"""The installed wheel works from any folder, with its configuration inside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that a wheel of this checkout was installed into."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)], check=True)
    return folder / "site"


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_wheel_carries_its_configuration_and_studies(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "-c", "import plb_ablate; print(plb_ablate.__file__)")
    assert where.stdout.startswith(str(installed))
    done = run(installed, tmp_path, "-m", "plb_ablate", "dataset=ravdess", "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert "root: data/ravdess" in done.stdout
    study = run(installed, tmp_path, "-m", "plb_ablate", "-m", "experiments=published_ravdess")
    assert "dataset.root=data/ravdess does not exist" in study.stderr
    assert study.returncode == 2
    assert (installed / "plb_ablate" / "py.typed").exists()
    assert (installed / "plb_ablate" / "published" / "data" / "folds.csv").exists()
    assert (installed / "hydra_plugins" / "plb_ablate_slurm" / "launcher.py").exists()


def test_versions_agree(installed: Path) -> None:
    from plb_ablate import __version__

    assert list(installed.glob(f"plb_ablate-{__version__}.dist-info"))
