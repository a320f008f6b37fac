"""Settings that a command adds to those of the user: what depends on the moment, on the jobs and on this machine."""

from contextlib import suppress
from itertools import count
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from plb_ablate.config.compose import Composition
from plb_ablate.config.grammar import set_value
from plb_ablate.config.schema import Config
from plb_ablate.core.cores import available_cores
from plb_ablate.core.errors import ConfigError
from plb_ablate.core.gpus import settled_device

__all__ = ["processes", "settled", "share_of_cores"]


def settled(command: Composition) -> list[str]:
    """Return the settings that hold for every process of a command, and create the folder of its logs.

    Raises
    ------
    ConfigError
        If the folder of the logs cannot be created.
    """
    settings = ["hydra.job.chdir=false"]  # relative paths mean the folder in which the command was started
    settings.append(f"hydra.mode={'MULTIRUN' if command.multirun else 'RUN'}")
    settings.append(set_value(*_log_folder(command)))
    if command.multirun:
        launcher = command.composed.hydra.launcher
        if launcher.get("n_jobs"):
            settings.append(f"hydra.launcher.n_jobs={processes(launcher.n_jobs, len(command.jobs))}")
        if command.composed.get("device", "auto") == "auto":  # other machines may have other devices
            settings.append(f"++device={settled_device('auto')}")
    return settings


def _log_folder(command: Composition) -> tuple[str, str]:
    """Create the folder of Hydra's logs; one named by the time belongs to this command only."""
    key = "sweep" if command.multirun else "run"
    HydraConfig.instance().set_config(command.composed)
    template = command.composed.hydra[key]._get_node("dir")._value()
    named = Path(command.composed.hydra[key].dir)
    try:
        if "${now:" not in str(template):
            named.mkdir(parents=True, exist_ok=True)
            return f"hydra.{key}.dir", str(named)
        for number in count(1):
            folder = named if number == 1 else named.with_name(f"{named.name}_{number}")
            with suppress(FileExistsError):
                folder.mkdir(parents=True)
                return f"hydra.{key}.dir", str(folder)
    except OSError as error:
        raise ConfigError(
            f"hydra.{key}.dir={named} cannot be written: {error.strerror}. Start the command in a writable folder, or "
            f"name one with hydra.{key}.dir=..."
        ) from None
    raise AssertionError("unreachable")


def processes(wanted: int, n_jobs: int) -> int:
    """Limit joblib's processes to the number of jobs and cores, so that each job knows its share of the cores."""
    return min(wanted if wanted > 0 else max(1, available_cores() + 1 + wanted), n_jobs)


def share_of_cores(config: Config) -> int | None:
    """Return how many cells a job may train at the same time if a launcher runs several jobs; None for no limit."""
    from plb_ablate.orchestration.workers_at_once import at_once

    launcher = HydraConfig.get().launcher
    if config.n_jobs is not None:
        return None
    if launcher.get("ray"):
        return 1
    beside = launcher.get("n_jobs")
    return max(1, at_once(config).workers // beside) if beside else None
