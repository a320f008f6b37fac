"""Composition of configurations from command-line overrides: one, or all jobs of a sweep, without running them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from plb_ablate.config.schema import Config
from plb_ablate.core.errors import ConfigError

__all__ = [
    "compose_config",
    "compose_jobs",
    "compose_sweep",
    "composing",
    "config_root",
    "register_schema",
    "to_config",
    "without_hydra",
]


def config_root() -> Path:
    """Folder that contains ``conf/`` and ``experiments/``: the package if installed, else the checkout."""
    package = Path(__file__).resolve().parents[1]
    return package if (package / "conf").is_dir() else package.parent


def register_schema() -> None:
    """Register the schema, and the studies for ``experiments=<study>``, with Hydra.

    Studies are registered one by one, because Hydra treats every folder on its search path as a config group, including
    the ``.venv`` of a checkout.
    """
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    for file in sorted((config_root() / "experiments").glob("*.yaml")):
        store.store(group="experiments", name=file.stem, node=OmegaConf.load(file), package="_global_")


def compose_config(overrides: Sequence[str]) -> Config:
    """Compose one configuration outside a sweep.

    Raises
    ------
    ConfigError
        If a setting is unknown or has an invalid value.
    """
    with composing():
        return to_config(compose("config", list(overrides)))


@contextmanager
def composing() -> Iterator[None]:
    """Initialise Hydra with ``conf/`` for the duration of the block.

    Raises
    ------
    ConfigError
        If Hydra rejects a setting; the message contains its error and the cause.
    """
    register_schema()
    try:
        with initialize_config_dir(str(config_root() / "conf"), version_base="1.3"):
            yield
    except HydraException as error:
        raise ConfigError(" ".join(str(part) for part in (error, error.__cause__) if part)) from None


def to_config(composed: DictConfig) -> Config:
    """Convert a configuration composed by Hydra to a `Config`.

    Raises
    ------
    ConfigError
        If a key is not in the schema (for example from ``+sede=3``), or a value is invalid.
    """
    unknown = sorted(set(_keys(composed)) - set(_keys(OmegaConf.structured(Config))))
    if unknown:
        known = ", ".join(sorted(str(key) for key in OmegaConf.structured(Config)))
        raise ConfigError(f"unknown setting: {', '.join(unknown)}. The settings are {known}.")
    config = OmegaConf.to_object(composed)
    assert isinstance(config, Config)
    return config


def _keys(node: DictConfig, prefix: str = "") -> Iterator[str]:
    for key in map(str, node):
        yield f"{prefix}{key!s}"
        if not OmegaConf.is_missing(node, key) and isinstance(child := node._get_node(key), DictConfig):
            yield from _keys(child, f"{prefix}{key!s}.")


def compose_jobs(config: DictConfig) -> list[Config]:
    """Compose the configuration of every job of a multirun, without running them.

    Parameters
    ----------
    config : DictConfig
        The argument that Hydra passes to ``on_multirun_start``.

    Raises
    ------
    ConfigError
        If a job has an unknown setting or an invalid value.
    """
    loader = GlobalHydra.instance().config_loader()
    fixed = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    overrides = OverridesParser.create(config_loader=loader).parse_overrides([*fixed, *config.hydra.overrides.task])
    (batch,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return [to_config(without_hydra(loader.load_sweep_config(config, list(job)))) for job in batch]


def compose_sweep(overrides: Sequence[str], *, multirun: bool = False) -> list[Config]:
    """Compose the jobs that ``python -m plb_ablate`` would run with these overrides.

    Parameters
    ----------
    overrides : sequence of str
        For example ``experiments=demo``.
    multirun : bool
        Whether comma-separated values create several jobs (``-m``); studies can set this in their own file.

    Raises
    ------
    ConfigError
        If a setting is unknown or has an invalid value.
    """
    with composing():
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        composed = hydra.compose_config("config", list(overrides), RunMode.MULTIRUN, with_log_configuration=False)
        if multirun or composed.hydra.mode == RunMode.MULTIRUN:
            return compose_jobs(composed)
        return [to_config(compose("config", list(overrides)))]


def without_hydra(composed: DictConfig) -> DictConfig:
    """Return a copy of a composed configuration without Hydra's own settings."""
    plain = composed.copy()
    OmegaConf.set_readonly(plain, False)
    with open_dict(plain):
        plain.pop("hydra", None)
    return plain
