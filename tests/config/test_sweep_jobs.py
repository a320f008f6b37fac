"""Jobs of a sweep: what Hydra composes for each of them, composed once for those that differ in plain values."""

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from plb_ablate.config.compose import compose_command, compose_sweep, composing
from plb_ablate.config.composed import to_config, without_hydra
from plb_ablate.config.source import BUILT_IN
from plb_ablate.core.errors import ConfigError


@pytest.mark.parametrize(
    ("overrides", "composed"),
    [
        (["ablation=none,cbam", "seed=1,2", "dataset=ravdess,emodb", "fold=0"], 2),
        (["ablation=none,cbam", "ledger='kept/${ablation}_${seed}'", "study=s${seed}"], 1),
        (["seed=range(3)", "trainer.epochs=4,5", "protocol=speaker"], 2),
        (["trainer=smoke,demo", "trainer.learning_rate=1e-3", "ablation=none,sa"], 2),
        (["experiments=demo", "seed=1,2"], 1),
    ],
)
def test_jobs_are_those_that_hydra_composes(
    overrides: list[str], composed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, loaded = ConfigLoaderImpl.load_sweep_config, []

    def counted(*arguments: object) -> object:
        loaded.append(arguments)
        return load(*arguments)  # type: ignore[arg-type]

    with composing() as hydra:
        with monkeypatch.context() as patch:
            patch.setattr(ConfigLoaderImpl, "load_sweep_config", counted)
            composition = compose_command(hydra, BUILT_IN, overrides, multirun=True)
        master, loader = composition.composed, hydra.config_loader
        fixed = [f"{key}={value}" for key, value in (master.hydra.sweeper.get("params") or {}).items()]
        parsed = OverridesParser.create(config_loader=loader).parse_overrides([*fixed, *composition.overrides])
        (batch,) = BasicSweeper.split_arguments(parsed, max_batch_size=None)
        expected = [to_config(without_hydra(loader.load_sweep_config(master, list(job)))) for job in batch]
    assert composition.jobs == expected
    assert len(loaded) == composed < len(expected)


def test_a_setting_that_refers_to_others_is_that_of_each_job() -> None:
    jobs = compose_sweep(["ablation=none,cbam", "ledger='kept/${ablation}_${seed}'"], multirun=True)
    assert [job.ledger for job in jobs] == ["kept/none_42", "kept/cbam_42"]


def test_a_value_of_a_later_job_is_refused_as_that_of_the_first() -> None:
    said = []
    for seeds in ("x,1", "1,x"):
        with pytest.raises(ConfigError, match="'x'") as refused:
            compose_sweep([f"seed={seeds}"], multirun=True)
        said.append(str(refused.value))
    assert said[0] == said[1]
