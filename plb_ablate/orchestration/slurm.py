"""Checks of a SLURM cluster: whether a sweep can run on it, and how large a job array may be."""

import shutil
import subprocess

from plb_ablate.core.errors import ConfigError

__all__ = ["largest_array"]

_TOOLS = ("sbatch", "scontrol", "sacct", "scancel")
_HERE = "hydra/launcher=slurm"


def largest_array() -> int:
    """Check that SLURM is available with job accounting, and return the largest number of tasks in a job array.

    Without job accounting (slurmdbd), killed and pending tasks cannot be told apart, and the sweep would never end.

    Raises
    ------
    ConfigError
        If SLURM's programs are missing, its controller does not answer, or it has no job accounting.
    """
    missing = [tool for tool in _TOOLS if not shutil.which(tool)]
    if missing:
        raise ConfigError(
            f"{_HERE} needs SLURM's programs, but {', '.join(missing)} is not installed here. Submit from a node of "
            "the cluster, or train on this machine only: hydra/launcher=basic, joblib or ray."
        )
    settings = dict(_pairs(_ask("scontrol", "show", "config")))
    storage = settings.get("AccountingStorageType", "(null)")
    if not storage.endswith("slurmdbd"):
        raise ConfigError(
            f"{_HERE} needs SLURM's job accounting, but this cluster has AccountingStorageType={storage}. Without "
            "slurmdbd, killed and pending tasks cannot be told apart. Ask the administrator to set it up."
        )
    _ask("sacct", "--allocations", "--noheader", "--starttime=now")
    return int(settings.get("MaxArraySize", "1001")) - 1


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return [(name.strip(), value.strip()) for name, _, value in lines]


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        message, failed = (done.stderr or done.stdout).strip(), done.returncode != 0
    except (OSError, subprocess.TimeoutExpired) as error:
        message, failed = str(error), True
    if failed:
        raise ConfigError(f"{_HERE} cannot be used: `{' '.join(command)}` says: {message or 'nothing'}")
    return done.stdout
