"""Who may start the trainings of a race: processes of this machine, which can wait for a decision."""

from collections.abc import Sequence

from omegaconf import DictConfig

from plb_ablate.config.schema import Config
from plb_ablate.core.errors import ConfigError
from plb_ablate.orchestration.settled_settings import processes

__all__ = ["at_once_with_joblib", "check_launcher"]


def check_launcher(config: Config, launcher: DictConfig) -> None:
    """Check that a launcher can run a job of a sweep whose variants race.

    Raises
    ------
    ConfigError
        If it submits all trainings at once, as those for SLURM and Ray do.
    """
    target = str(launcher.get("_target_", ""))
    if not config.schedule.racing or any(name in target.lower() for name in ("basic_launcher", "joblib_launcher")):
        return
    name = next((name for name in ("slurm", "ray") if name in target.lower()), target)
    raise ConfigError(
        f"schedule=racing decides after each round what is trained next, but hydra/launcher={name} submits all "
        "trainings at once. Use hydra/launcher=basic or joblib, on one machine (on a cluster: inside one allocation), "
        f"or schedule=all with hydra/launcher={name}."
    )


def at_once_with_joblib(launcher: DictConfig, jobs: Sequence[Config]) -> int | None:
    """Return how many cells joblib's jobs would train at the same time; None for as many as the machine can.

    A race is held by the processes of the sweep itself, because joblib's know nothing of each other.
    """
    each = jobs[0].n_jobs
    return None if each is None else each * processes(launcher.get("n_jobs") or -1, len(jobs))
