"""The memory that this process and its children may still take."""

from collections.abc import Iterator
from pathlib import Path

__all__ = ["free_memory"]

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")

_FILES = (("memory.max", "memory.current", "inactive_file"), ("memory.limit_in_bytes", "memory.usage_in_bytes", ""))
"""Limit, use, and the part of the use that is given up on demand (a key of ``memory.stat``), by version of cgroups."""


def free_memory() -> int:
    """Return how many bytes are free, without swapping.

    Respects the memory limit of a container, a SLURM task or another control group (Linux, versions 1 and 2): that of
    the group of this process and those of the groups around it.
    """
    import psutil

    return min([int(psutil.virtual_memory().available), *_left_in_groups()])


def _left_in_groups() -> Iterator[int]:
    for group in _groups():
        for limit_file, use_file, reclaimable in _FILES:
            try:
                limit, use = int((group / limit_file).read_text()), int((group / use_file).read_text())
                statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            except (OSError, ValueError):  # no such version, no such file, or "max": no limit
                continue
            cached = int(statistics.get(reclaimable or "total_inactive_file", 0))
            yield max(0, limit - use + cached)


def _groups() -> Iterator[Path]:
    """Yield the folders of the control groups of this process, each after the groups in it."""
    try:
        lines = _MEMBERSHIP.read_text().splitlines()
    except OSError:  # another system
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            root = _CGROUPS / controllers
            group = root / path.lstrip("/")
            yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(root))
