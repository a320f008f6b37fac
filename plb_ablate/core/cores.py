"""The number of CPU cores that this process may use."""

import os

__all__ = ["available_cores"]


def available_cores() -> int:
    """Return the number of CPU cores that this process may use.

    Respects the CPU affinity of the process, the CPU quota of a container and, inside a SLURM task, the number of cores
    allocated to the task.
    """
    from joblib import cpu_count

    cores = int(cpu_count())
    return min(cores, int(os.environ.get("SLURM_CPUS_PER_TASK") or cores))
