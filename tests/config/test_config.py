"""Every YAML composes; what is misspelt or impossible is refused."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from plb_ablate.config.compose import compose_config, compose_sweep
from plb_ablate.config.dataset import OWN
from plb_ablate.config.protocol import PROTOCOLS
from plb_ablate.config.schema import Config, Trainer, result_settings
from plb_ablate.config.source import config_root, register_schema
from plb_ablate.config.trainer import changed_training
from plb_ablate.core.errors import ConfigError
from plb_ablate.data.registry import READERS
from plb_ablate.models.family import ModelFamily
from plb_ablate.models.plb.family import PLB
from tests.conftest import CommandLine

CONF = config_root() / "conf"
STUDIES = sorted(path.stem for path in (config_root() / "experiments").glob("*.yaml"))
CHOICES = sorted(
    (path.parent.name, path.stem) for path in CONF.rglob("*.yaml") if path.parent != CONF and "hydra" not in path.parts
)

NEEDED = {"manifest": ("dataset.file=my.csv",), "folders": ("dataset.root=recordings",)}
"""What a choice does not say itself."""


@pytest.fixture(autouse=True)
def composer() -> Iterator[None]:
    register_schema()
    yield
    GlobalHydra.instance().clear()


def config(*overrides: str) -> Config:
    return compose_config(overrides)


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_every_choice_composes_and_bears_its_name(
    group: str, choice: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.example")
    (own := tmp_path / "own.py").write_text(
        "MODULES = ('a',)\ndef build_model(num_classes, input_shape, removed): ...\n"
    )
    needed = [f"model.file={own}"] if (group, choice) == ("model", "file") else NEEDED.get(choice, ())
    chosen = getattr(config(f"{group}={choice}", *needed), group)
    assert getattr(chosen, "reader", "") == choice or getattr(chosen, "name", choice) == choice


def test_a_server_without_an_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ConfigError, match="export MLFLOW_TRACKING_URI"):
        config("tracking=server")


@pytest.mark.parametrize(
    "uri", ["https://someone:secret@host", "https://secret@host", "postgresql://me:secret@host/db"]
)
def test_credentials_in_an_address_are_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_PASSWORD") as caught:
        config(f"tracking.uri={uri}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_composes_and_bears_its_name(study: str) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("config", [f"experiments={study}"], return_hydra_config=True)
    assert composed.study == study
    assert composed.hydra.mode.name == "MULTIRUN"
    named = composed.hydra.sweeper.params.ablation.split(",")
    assert set(named) <= set(PLB.ablations)
    assert named[0] == "none"
    header = (config_root() / "experiments" / f"{study}.yaml").read_text().splitlines()[1]
    assert header == f"# python -m plb_ablate -m experiments={study}"


def test_the_choices_are_those_of_the_code() -> None:
    names = {group: {choice for g, choice in CHOICES if g == group} for group, _ in CHOICES}
    assert names["dataset"] == {*READERS, *OWN}
    assert names["protocol"] == set(PROTOCOLS)
    assert set(STUDIES) >= {"demo", "published_emodb", "published_ravdess", "published_iemocap"}


def test_defaults_are_the_published_training() -> None:
    composed = config()
    assert composed.trainer == Trainer(loss="published")
    assert (composed.trainer.epochs, composed.trainer.beta_1, composed.trainer.beta_2) == (300, 0.975, 0.932)
    assert (composed.protocol.n_splits, composed.protocol.random_state) == (10, 98)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("sede=3", "sede"),
        ("dataset=emodbb", "(?s)emodbb.*emodb"),
        ("experiments=published_emo", "(?s)published_emo.*published_emodb"),
        ("seed=many", "(?s)many.*Integer"),
        ("reverse=frequency", "(?s)expected one of.*coefficient, time"),
        ("trainer.epoch=3", "epoch"),
    ],
)
def test_misspelt_overrides_are_refused_by_name(override: str, said: str) -> None:
    for composed in (compose_config, compose_sweep):
        with pytest.raises(ConfigError, match=said):
            composed([override])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("ablation=cbmm", "ablation=cbmm is unknown. Use none, one or more of dwscnn, cbam, spa, sa, routing"),
        ("+sede=3", "unknown setting: sede"),
        ("+trainer.epoch=3", "unknown setting: trainer.epoch"),
        ("+experiment=demo", "unknown setting: experiment"),
        ("trainer.epochs=0", r"trainer.epochs=0 must be greater than 0"),
        ("trainer.beta_1=1.0", "trainer.beta_1=1.0"),
        ("trainer.precision=float16", "trainer.precision=float16 is unknown. Use float32 or bfloat16"),
        ("threads=0", "threads=0"),
        ("protocol.n_splits=1", "n_splits=1"),
    ],
)
def test_added_keys_and_impossible_values_are_refused(override: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config(override)


def test_ablation_names() -> None:
    assert len(PLB.ablations) == 36
    assert len(set(PLB.ablations)) == 36
    assert config("ablation=sa+cbam").ablation == "cbam+sa"
    for name in PLB.ablations:
        spellings = {"+".join(order) for order in permutations(name.split("+"))}
        assert {PLB.canonical(spelling) for spelling in spellings} == {name}
    assert PLB.removed("routing+sa") == {"sa", "routing"}
    assert PLB.removed("spa_published") == set()
    assert set(PLB.modules) == {"dwscnn", "cbam", "spa", "sa", "routing"}
    for wrong in ("cbmm", "cbam+cbam", "none+sa", "cbam+", "spa_published+sa"):
        with pytest.raises(ConfigError, match="unknown"):
            PLB.canonical(wrong)


def test_names_are_read_and_not_looked_up() -> None:
    """Ten modules have 9,864,100 spellings."""
    modules = tuple(f"m{number}" for number in range(10))
    family = ModelFamily("ten", "ten modules", dict.fromkeys(modules, ""), build=print)
    assert family.canonical("+".join(reversed(modules))) == "+".join(modules)
    with pytest.raises(ConfigError, match=r"ablation=m1\+m2\+m1 is unknown.*m8, m9, each once and joined "):
        family.canonical("m1+m2+m1")


def test_where_a_job_runs_does_not_decide_its_result() -> None:
    def settings(*overrides: str) -> dict[str, Any]:
        return result_settings(config(*overrides))

    assert settings() == settings("n_jobs=2", "ledger=/x", "tracking.uri=sqlite:///x.db", "study=x", "dataset.root=/x")
    assert settings() == settings("device=cpu"), "cells of before the setting keep their ids"
    different = ["seed=1", "threads=2", "ablation=sa", "reverse=time", "trainer.epochs=9", "protocol.n_splits=3"]
    different += ["device=gpu", "deterministic=false"]
    assert len({str(settings(override)) for override in [*different, "seed=42"]}) == len(different) + 1


def test_a_training_is_told_by_what_differs_from_the_published() -> None:
    def changed(*overrides: str) -> str:
        return changed_training(result_settings(config(*overrides))["trainer"])

    assert changed() == changed("trainer.epochs=20") == changed("trainer.loss=published") == ""
    assert changed("trainer.loss=focal", "trainer.epochs=20", "trainer.beta_1=0.9") == "beta_1=0.9 loss=focal"
    assert changed("trainer=smoke") == "bn_momentum=0.5"


def test_configuration_is_found_beside_the_package() -> None:
    assert (CONF / "config.yaml").is_file()
    assert Path(config_root() / "experiments" / "demo.yaml").is_file()


def test_help_names_every_group_and_nothing_of_the_folder_around(commands: CommandLine) -> None:
    done = commands.run("--help", timeout=60)
    assert done.returncode == 0, done.stderr
    groups = dict(re.findall(r"^(\w+): (\w+(?:, \w+)*)$", done.stdout, re.MULTILINE))
    choices = {group: ", ".join(name for place, name in CHOICES if place == group) for group, _ in CHOICES}
    assert choices | {"experiments": ", ".join(STUDIES)} == {
        name: found for name, found in groups.items() if name in {*choices, "experiments"}
    }
    commands_named = re.findall(r"^  (\w+)  +\w", done.stdout.partition("Other commands")[2], re.MULTILINE)
    assert {"params", "report", "status", "bench"} <= set(commands_named)
    assert all(find_spec(f"plb_ablate.{name}") for name in commands_named)


def test_without_settings_nothing_is_trained_and_the_way_is_shown(commands: CommandLine) -> None:
    done = commands.run(timeout=60)
    assert done.returncode == 0, done.stderr
    assert "experiments=demo" in done.stdout
    assert "fetch ravdess" in done.stdout
    assert list(commands.folder.iterdir()) == []
