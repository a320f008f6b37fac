"""Limits of control groups, as the kernel writes them; the files are made here."""

from pathlib import Path

import psutil
import pytest

from plb_ablate.core import free_memory as module
from plb_ablate.core.free_memory import free_memory

MB = 10**6


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(module, "_MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 8000 * MB}))
    return tmp_path


def write(group: Path, names: tuple[str, str], limit: int | str, use: int, cached: tuple[str, int]) -> None:
    group.mkdir(parents=True, exist_ok=True)
    for name, value in zip(names, (limit, use), strict=True):
        (group / name).write_text(f"{value}\n")
    (group / "memory.stat").write_text(f"anon 5\n{cached[0]} {cached[1]}\nfile 7\n")


def test_without_control_groups_what_the_machine_has_is_free(groups: Path) -> None:
    assert free_memory() == 8000 * MB


@pytest.mark.parametrize(("outer", "free"), [("max", 2100 * MB), (3000 * MB, 1300 * MB), (1000 * MB, 0)])
def test_the_narrowest_group_counts_and_caches_in_it_are_free(groups: Path, outer: int | str, free: int) -> None:
    (groups / "membership").write_text("0::/slurm/task_0\n")
    names = ("memory.max", "memory.current")
    write(groups / "cgroup/slurm", names, outer, 2000 * MB, ("inactive_file", 300 * MB))
    write(groups / "cgroup/slurm/task_0", names, 4000 * MB, 2000 * MB, ("inactive_file", 100 * MB))
    assert free_memory() == free


def test_version_1_is_read_where_the_controller_is(groups: Path) -> None:
    (groups / "membership").write_text("5:cpu:/elsewhere\n4:memory:/docker/abc\n0::/\n")
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    write(groups / "cgroup/memory", names, 9223372036854771712, 6000 * MB, ("total_inactive_file", 0))
    write(groups / "cgroup/memory/docker/abc", names, 4000 * MB, 3000 * MB, ("total_inactive_file", 500 * MB))
    assert free_memory() == 1500 * MB


def test_a_group_without_a_limit_leaves_what_the_machine_has(groups: Path) -> None:
    (groups / "membership").write_text("0::/\n")
    (groups / "cgroup").mkdir()
    assert free_memory() == 8000 * MB
