"""How many processor cores this process may use."""

import os

__all__ = ["available_cores"]


def available_cores() -> int:
    """Count the cores that this process may use.

    These are the cores that it is bound to, no more than a container's quota, and in a SLURM task no more than the task
    was given.
    """
    from joblib import cpu_count

    cores = int(cpu_count())
    return min(cores, int(os.environ.get("SLURM_CPUS_PER_TASK") or cores))
