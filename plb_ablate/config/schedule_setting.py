"""The setting ``schedule.max_seeds``: replaced by seeds before Hydra makes the jobs of a sweep."""

from collections.abc import Sequence

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from plb_ablate.config.grammar import listed_values
from plb_ablate.core.errors import ConfigError

__all__ = ["expand_seeds"]


def expand_seeds(
    composed: DictConfig, typed: Sequence[Override], overrides: Sequence[str], *, multirun: bool
) -> list[str]:
    """Return the overrides of a command with all seeds of ``schedule.max_seeds`` instead of the first one.

    Parameters
    ----------
    composed : DictConfig
        The composed configuration with Hydra's own settings.
    typed : sequence of Override
        The overrides of the command line.
    overrides : sequence of str
        The overrides to change.
    multirun : bool
        Whether the command is a sweep.

    Raises
    ------
    ConfigError
        If the schedule is swept over, more seeds are listed than it allows, or the command is no sweep.
    """
    params = composed.hydra.sweeper.get("params") or {}
    swept = [o.input_line for o in typed if o.is_sweep_override() and str(o.key_or_group).split(".")[0] == "schedule"]
    swept += [f"{key}={value}" for key, value in params.items() if str(key).split(".")[0] == "schedule"]
    if swept:
        raise ConfigError(f"{', '.join(map(str, swept))}: a sweep has one schedule. Run one command after the other.")
    most = (composed.get("schedule") or {}).get("max_seeds")
    if most is None or most < 1:  # which the schema refuses
        return list(overrides)
    seeds = [override for override in typed if override.key_or_group == "seed"]
    named = listed_values("seed", typed, params) or [str(composed.seed)]
    if len(named) > most:
        raise ConfigError(f"seed={','.join(named)} lists {len(named)} seeds, but schedule.max_seeds={most}.")
    if len(named) > 1 or most == 1:
        return list(overrides)
    if not multirun:
        raise ConfigError(f"schedule.max_seeds={most} is a sweep over seeds: add -m to run all of it.")
    first = int(named[0])
    others = [line for line in overrides if line not in {override.input_line for override in seeds}]
    return [*others, f"seed={','.join(str(first + place) for place in range(most))}"]
