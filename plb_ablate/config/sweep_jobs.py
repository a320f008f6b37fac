"""The jobs of a sweep, composed before Hydra runs the first of them."""

import shlex
from collections.abc import Sequence
from copy import deepcopy

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from plb_ablate.config.composed import to_config, without_hydra
from plb_ablate.config.schema import Config
from plb_ablate.core.errors import ConfigError

__all__ = ["compose_jobs"]

_PLAIN = ("ablation=", "seed=", "fold=")
"""Overrides that choose no file: for jobs that differ in nothing else Hydra composes once, which takes 0.2 s."""


def compose_jobs(hydra: Hydra, composed: DictConfig, typed: Sequence[str]) -> list[Config]:
    """Compose the configuration of every job of a sweep, in the order in which Hydra's sweeper runs them.

    Parameters
    ----------
    hydra : Hydra
    composed : DictConfig
        The configuration of the sweep.
    typed : sequence of str
        The overrides of the command.

    Raises
    ------
    ConfigError
        If a job has an invalid value, would lose a sweep of its own, or several studies or another sweeper are chosen.
    """
    sweeper, loader = composed.hydra.sweeper, hydra.config_loader
    if sweeper._target_ != f"{BasicSweeper.__module__}.{BasicSweeper.__qualname__}":
        raise ConfigError(
            f"hydra/sweeper={sweeper._target_} chooses settings while it runs, but a sweep is planned and checked "
            "before its first training. Use hydra/sweeper=basic."
        )
    fixed = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
    parse = OverridesParser.create(config_loader=loader).parse_overrides
    task = OmegaConf.to_container(composed.hydra.overrides.task, resolve=False)  # ${...} is of each job
    assert isinstance(task, list)
    overrides = parse([*fixed, *task])
    _refuse_several_studies(overrides, typed)
    (batch,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    jobs = []
    like: dict[tuple[str, ...], DictConfig] = {}
    for values in batch:
        own = [value for value in values if value.startswith(_PLAIN)]
        rest = tuple(value for value in values if value not in own)
        if rest not in like:
            first = loader.load_sweep_config(composed, list(values))
            if first.hydra.sweeper.get("params") != sweeper.get("params"):
                raise ConfigError(
                    f"{' '.join(values)}: one of these brings a sweep of its own in hydra.sweeper.params, which is "
                    "lost when it is swept over. Run it with a command of its own."
                )
            like[rest] = without_hydra(first)
        job = deepcopy(like[rest])
        ConfigLoaderImpl._apply_overrides_to_config(parse(own), job)
        jobs.append(to_config(job))
    return jobs


def _refuse_several_studies(overrides: Sequence[Override], typed: Sequence[str]) -> None:
    """Refuse ``experiments=a,b``: Hydra would run the first job of each study only, not its sweep."""
    for override in overrides:
        value = override.value()
        if override.get_key_element() != "experiments":
            continue
        studies = list(override.sweep_string_iterator()) if override.is_sweep_override() else []
        studies += value if isinstance(value, list) else []
        if not studies:
            continue
        rest = [shlex.quote(setting) for setting in typed if setting != override.input_line]
        commands = [" ".join(["python -m plb_ablate -m", f"experiments={study}", *rest]) for study in studies]
        raise ConfigError(
            f"{override.input_line} names several studies, each a sweep of its own. Run one after the other; they may "
            "share a ledger:\n  " + "\n  ".join(commands)
        )
