"""Composition of configurations from command-line overrides: one, or all jobs of a sweep, without running them."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from plb_ablate.config.composed import to_config, without_hydra
from plb_ablate.config.design_setting import expand_design
from plb_ablate.config.grammar import explain
from plb_ablate.config.schedule_setting import expand_seeds
from plb_ablate.config.schema import Config
from plb_ablate.config.source import BUILT_IN, ConfigSource, config_root, register_schema
from plb_ablate.config.sweep_jobs import compose_jobs
from plb_ablate.core.errors import ConfigError

__all__ = [
    "Composition",
    "compose_command",
    "compose_config",
    "compose_sweep",
    "composing",
]


@dataclass(frozen=True)
class Composition:
    """What a command runs.

    Parameters
    ----------
    jobs : list of Config
        The configuration of every job.
    multirun : bool
        Whether the jobs are those of a sweep of Hydra's.
    composed : DictConfig
        The configuration with Hydra's own settings.
    overrides : list of str
        The settings that Hydra gets: those of the command, with the variants of a design instead of its name.
    design : str
        Name of the design of a sweep; empty if its variants are named one by one.
    """

    jobs: list[Config]
    multirun: bool
    composed: DictConfig
    overrides: list[str]
    design: str = ""


@contextmanager
def composing(source: ConfigSource = BUILT_IN) -> Iterator[Hydra]:
    """Initialise Hydra for the duration of the block.

    Raises
    ------
    ConfigError
        If Hydra rejects a setting in the block; the message contains its error and the cause.
    """
    register_schema()
    version.setbase("1.3")
    conf = config_root() / "conf"
    search_path = create_config_search_path(str((source.path or conf).resolve()))
    before = SearchPathQuery(provider="schema", path=None)
    for provider, folder in (("command-line", source.folder), ("plb_ablate", conf if source.path else None)):
        if folder:
            search_path.prepend(provider, f"file://{folder.resolve()}", before)
    earlier = GlobalHydra.instance().hydra
    try:
        yield Hydra.create_main_hydra2("plb_ablate", search_path)
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(explain(error)) from None
    finally:
        GlobalHydra.instance().hydra = earlier


def compose_config(overrides: Sequence[str]) -> Config:
    """Compose one configuration outside a sweep.

    Raises
    ------
    ConfigError
        If a setting is unknown or has an invalid value.
    """
    with composing() as hydra:
        return to_config(without_hydra(_composed(hydra, BUILT_IN, overrides, RunMode.RUN)))


def compose_sweep(overrides: Sequence[str], *, multirun: bool = False, source: ConfigSource = BUILT_IN) -> list[Config]:
    """Compose the jobs that ``python -m plb_ablate`` would run with these overrides.

    Parameters
    ----------
    overrides : sequence of str
        For example ``experiments=demo``.
    multirun : bool
        Whether comma-separated values create several jobs (``-m``); studies can set this in their own file.
    source : ConfigSource
        Where configurations come from.

    Raises
    ------
    ConfigError
        If a setting is unknown or has an invalid value.
    """
    with composing(source) as hydra:
        return compose_command(hydra, source, overrides, multirun=multirun).jobs


def compose_command(hydra: Hydra, source: ConfigSource, overrides: Sequence[str], *, multirun: bool) -> Composition:
    """Compose everything that a command runs; the parameters are those of `compose_sweep`.

    Raises
    ------
    ConfigError
        If a setting is unknown or has an invalid value, or a job would lose a sweep of its own.
    """
    try:
        composed = _composed(hydra, source, overrides, RunMode.MULTIRUN)
        multirun = multirun or composed.hydra.mode == RunMode.MULTIRUN
        typed = OverridesParser.create(config_loader=hydra.config_loader).parse_overrides(list(overrides))
        design, overrides = expand_design(composed, typed, multirun=multirun)
        overrides = expand_seeds(composed, typed, overrides, multirun=multirun)
        if multirun:
            composed = _composed(hydra, source, overrides, RunMode.MULTIRUN)
            return Composition(compose_jobs(hydra, composed, overrides), True, composed, overrides, design)
        composed = _composed(hydra, source, overrides, RunMode.RUN)
    except OverrideParseException as error:
        raise ConfigError(explain(error, overrides, multirun=multirun)) from None
    if composed.hydra.sweeper.get("params"):
        raise ConfigError(f"the study sweeps over {', '.join(composed.hydra.sweeper.params)}: add -m to run all of it.")
    return Composition([to_config(without_hydra(composed))], False, composed, list(overrides))


def _composed(hydra: Hydra, source: ConfigSource, overrides: Sequence[str], mode: RunMode) -> DictConfig:
    try:
        return hydra.compose_config(source.primary, list(overrides), mode)
    except (
        AssertionError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:  # inside Hydra
        raise ConfigError(f"{shlex.join(overrides)} cannot be composed: {type(error).__name__} {error}") from error
