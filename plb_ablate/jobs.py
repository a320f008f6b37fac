"""Jobs of a sweep, composed without running any."""

from collections.abc import Sequence

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from plb_ablate.config import Config, composing, to_config

__all__ = ["compose_jobs", "compose_sweep", "without_hydra"]


def compose_jobs(config: DictConfig) -> list[Config]:
    """Compose the configuration of every job of a multirun, without running any.

    Parameters
    ----------
    config : DictConfig
        What Hydra hands to ``on_multirun_start``.

    Raises
    ------
    ConfigError
        If a job has an unknown or impossible setting.
    """
    loader = GlobalHydra.instance().config_loader()
    fixed = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    overrides = OverridesParser.create(config_loader=loader).parse_overrides([*fixed, *config.hydra.overrides.task])
    (batch,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return [to_config(without_hydra(loader.load_sweep_config(config, list(job)))) for job in batch]


def compose_sweep(overrides: Sequence[str], *, multirun: bool = False) -> list[Config]:
    """Compose the jobs that ``python -m plb_ablate`` would run with these settings.

    Parameters
    ----------
    overrides : sequence of str
        Settings, for example ``experiments=demo``.
    multirun : bool
        Whether several values of a setting are several jobs (``-m``); studies that say so themselves need it not.

    Raises
    ------
    ConfigError
        If a setting is unknown or impossible.
    """
    with composing():
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        composed = hydra.compose_config("config", list(overrides), RunMode.MULTIRUN, with_log_configuration=False)
        if multirun or composed.hydra.mode == RunMode.MULTIRUN:
            return compose_jobs(composed)
        return [to_config(compose("config", list(overrides)))]


def without_hydra(composed: DictConfig) -> DictConfig:
    """What Hydra composed, less its own settings."""
    plain = composed.copy()
    OmegaConf.set_readonly(plain, False)
    with open_dict(plain):
        plain.pop("hydra", None)
    return plain
