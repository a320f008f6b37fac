"""The files that a project owes its users agree with each other."""

import tomllib
from pathlib import Path
from typing import Any

import yaml

import plb_ablate

ROOT = Path(__file__).parents[1]


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def test_version_and_licence_are_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == plb_ablate.__version__
    assert citation["license"] == project()["license"] == "PolyForm-Noncommercial-1.0.0"
    licence = (ROOT / "LICENSE").read_text()
    assert licence.startswith("# PolyForm Noncommercial License 1.0.0\n\n<https://polyformproject.org/")
    assert "Any noncommercial purpose is a permitted purpose." in licence


def test_changelog_has_the_form_and_the_version() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    assert "## [Unreleased]" in lines
    kinds = {line.removeprefix("### ") for line in lines if line.startswith("### ")}
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_package_is_typed() -> None:
    assert (Path(plb_ablate.__file__).parent / "py.typed").exists()
