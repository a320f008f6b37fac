"""From what Hydra composed to a `Config`."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache

from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from plb_ablate.config.grammar import explain
from plb_ablate.config.schema import Config
from plb_ablate.core.errors import ConfigError
from plb_ablate.core.gpus import settled_device

__all__ = ["to_config", "without_hydra"]


def to_config(composed: DictConfig) -> Config:
    """Convert a configuration composed by Hydra to a `Config`.

    Raises
    ------
    ConfigError
        If a key is not in the schema (for example from ``+sede=3``), or a value is invalid.
    """
    unknown = sorted(_unknown(composed, _schema()))
    if unknown:
        known = ", ".join(sorted(map(str, _schema())))
        raise ConfigError(f"unknown setting: {', '.join(unknown)}. The settings are {known}.")
    try:
        config = OmegaConf.to_object(OmegaConf.merge(_schema(), composed))
    except OmegaConfBaseException as error:
        raise ConfigError(explain(error)) from None
    assert isinstance(config, Config)
    config.device = settled_device(config.device)
    return config


@cache
def _schema() -> DictConfig:
    return OmegaConf.structured(Config)


def _unknown(node: DictConfig, schema: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield the keys that are not in the schema; a setting whose value is a mapping has any keys."""
    for key in map(str, node):
        if key not in schema.keys():  # noqa: SIM118 - "in schema" leaves out keys without a default
            yield f"{prefix}{key}"
            continue
        known, child = schema._get_node(key), node._get_node(key)
        if not isinstance(known, DictConfig) or not is_dataclass(OmegaConf.get_type(known)):
            continue
        if isinstance(child, DictConfig) and not child._is_missing():
            yield from _unknown(child, known, f"{prefix}{key}.")


def without_hydra(composed: DictConfig) -> DictConfig:
    """Return a copy without the settings of Hydra."""
    plain = composed.copy()
    OmegaConf.set_readonly(plain, False)
    with open_dict(plain):
        plain.pop("hydra", None)
    return plain
