"""The origin of a result: Git commit, library versions, hardware."""

import os
import platform
import socket
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["LIBRARIES", "has_bfloat16", "provenance"]

LIBRARIES = ("plb_ablate", "tensorflow", "keras", "librosa", "numpy", "mlflow")
"""Distributions whose versions are recorded."""


@lru_cache(maxsize=1)
def provenance() -> dict[str, str]:
    """Describe the code, the libraries and the machine that compute a result.

    Returns
    -------
    dict of str to str
        ``git_commit`` (``unknown`` outside a checkout, ``+dirty`` with uncommitted changes), ``python``, ``hardware``,
        ``host``, ``onednn`` (1 if TensorFlow's oneDNN kernels are enabled) and the version of each of `LIBRARIES`.
    """
    facts = {"git_commit": _commit(), "python": platform.python_version(), "hardware": _processor()}
    facts["onednn"] = os.environ["TF_ENABLE_ONEDNN_OPTS"]
    return facts | {"host": socket.gethostname()} | {name: _version(name) for name in LIBRARIES}


def has_bfloat16() -> bool:
    """Return whether this CPU supports bfloat16 natively; without it bfloat16 products are slower than float32 ones."""
    try:
        flags = _cpuinfo()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    folder = Path(__file__).parents[1]
    if not (folder.parent / ".git").exists():
        return "unknown"
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return commit + ("+dirty" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = _cpuinfo().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} x {len(names)}" if names else platform.machine()


def _cpuinfo() -> str:
    return Path("/proc/cpuinfo").read_text()
