"""SLURM, as far as a sweep must know it: whether the cluster can be relied on, and how large a job array may be."""

import shutil
import subprocess

from plb_ablate.core.errors import ConfigError

__all__ = ["largest_array"]

_TOOLS = ("sbatch", "scontrol", "sacct", "scancel")
_HERE = "hydra/launcher=slurm"


def largest_array() -> int:
    """Check that SLURM is there and keeps accounts, and give the number of tasks that one job array may have.

    Without accounts nothing tells a task that was killed from one that still waits, and the sweep would never end.

    Raises
    ------
    ConfigError
        If SLURM's programs are missing, its controller does not answer, or it keeps no accounts.
    """
    missing = [tool for tool in _TOOLS if not shutil.which(tool)]
    if missing:
        raise ConfigError(
            f"{_HERE} needs SLURM's programs, but there is no {', '.join(missing)} here. Submit from a node of the "
            "cluster, or train on this machine alone: hydra/launcher=basic, joblib or ray."
        )
    settings = dict(_pairs(_ask("scontrol", "show", "config")))
    storage = settings.get("AccountingStorageType", "(null)")
    if not storage.endswith("slurmdbd"):
        raise ConfigError(
            f"{_HERE} needs SLURM's accounting, but this cluster has AccountingStorageType={storage}: a task that is "
            "killed could not be told from one that waits. Ask its administrator for slurmdbd."
        )
    _ask("sacct", "--allocations", "--noheader", "--starttime=now")
    return int(settings.get("MaxArraySize", "1001")) - 1


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return [(name.strip(), value.strip()) for name, _, value in lines]


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        said, failed = (done.stderr or done.stdout).strip(), done.returncode != 0
    except (OSError, subprocess.TimeoutExpired) as error:
        said, failed = str(error), True
    if failed:
        raise ConfigError(f"{_HERE} cannot be used: `{' '.join(command)}` says: {said or 'nothing'}")
    return done.stdout
