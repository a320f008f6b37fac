"""GPUs of this machine: how many TensorFlow can use, what ``device=auto`` means here, and which one a process takes."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import TypeVar

from plb_ablate.core.errors import ConfigError

__all__ = ["DEVICES", "check_device", "count_gpus", "settled_device", "take_gpu"]

DEVICES = ("auto", "cpu", "gpu")
"""Allowed values of the setting ``device``."""

_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Device files of NVIDIA's driver, of GPUs inside Windows' Linux, and of AMD's driver."""

_QUESTION = "import tensorflow as tf; print('GPUs:', len(tf.config.list_physical_devices('GPU')))"
_TIMEOUT = 120.0

Gpu = TypeVar("Gpu")


@lru_cache(maxsize=1)
def count_gpus() -> int:
    """Return the number of GPUs that TensorFlow can use on this machine.

    A process of its own is asked, because TensorFlow keeps the devices that it has once looked at. Without a GPU driver
    the answer is 0 at once.
    """
    if not any(Path(file).exists() for file in _DRIVERS):
        return 0
    command = [sys.executable, "-c", _QUESTION]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    return int(done.stdout.rpartition("GPUs:")[2])


def settled_device(device: str) -> str:
    """Return ``cpu`` or ``gpu``: what a value of the setting ``device`` means on this machine."""
    if device == "auto":
        return "gpu" if count_gpus() else "cpu"
    return device


def check_device(device: str) -> None:
    """Check, on the machine that trains, that it has what ``device=gpu`` asks for.

    Raises
    ------
    ConfigError
        If TensorFlow finds no GPU there.
    """
    if device == "gpu" and not count_gpus():
        raise ConfigError(
            "device=gpu: TensorFlow finds no GPU on this machine. Check `nvidia-smi`, install TensorFlow's CUDA "
            "libraries (pip install '.[gpu]'), or train with device=cpu."
        )


def take_gpu(gpus: Sequence[Gpu]) -> Gpu:
    """Return one of the GPUs, so that the processes of this machine share them evenly until each ends.

    A process holds the lowest free place, and place k uses GPU k modulo their number. Places are locks in the temporary
    folder, so that one is free again when its process ends for whatever reason.
    """
    from filelock import FileLock, Timeout

    folder = Path(tempfile.gettempdir(), f"plb_ablate-gpus-{_scope()}")
    folder.mkdir(exist_ok=True)
    for place in count():
        lock = FileLock(folder / f"{place}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            continue
        _held.append(lock)
        return gpus[place % len(gpus)]
    raise AssertionError("unreachable")


_held: list[object] = []
"""Locks of this process, held until it ends."""


def _scope() -> str:
    """Name what shares the visible GPUs: this user, in one allocation of a cluster."""
    parts = (str(os.getuid()), *(os.environ.get(name, "") for name in ("SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES")))
    return "-".join(part.replace(",", ".") for part in parts if part)
