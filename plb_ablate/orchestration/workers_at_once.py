"""How many cells a machine trains at the same time: one for each core or GPU, and no more than its memory holds."""

from functools import lru_cache
from math import prod
from typing import NamedTuple

from plb_ablate.config.features import PUBLISHED
from plb_ablate.config.schema import Config
from plb_ablate.core.cores import available_cores
from plb_ablate.core.free_memory import free_memory
from plb_ablate.core.gpus import count_gpus

__all__ = ["AtOnce", "at_once", "worker_memory"]

_LIBRARIES = 800_000_000
"""Bytes of a worker whatever it trains: TensorFlow, the traced network, a corpus."""

_UTTERANCE = 14_000_000
"""Bytes of a training step for each utterance of a batch: the published network and input."""


class AtOnce(NamedTuple):
    """Number of workers, and a sentence if memory makes them fewer than cores or GPUs."""

    workers: int
    note: str = ""


def at_once(config: Config, cells: int | None = None, n_jobs: int | None = None) -> AtOnce:
    """Return how many cells this machine trains at the same time: as set, or what its cores, GPUs and memory allow.

    Memory is looked at once in a process, because later its workers themselves have taken some.

    Parameters
    ----------
    config : Config
    cells : int, optional
        Cells to be trained, which need no more workers than that.
    n_jobs : int, optional
        Number that a launcher asks for instead of `config.n_jobs`.
    """
    most = max(1, cells) if cells is not None else None
    if asked := n_jobs or config.n_jobs:
        return AtOnce(min(asked, most or asked))
    unit = "GPU" if config.device == "gpu" else "core"
    units = max(1, count_gpus() if unit == "GPU" else available_cores())
    wanted = min(units, most or units)
    free, each = _free_at_first(), worker_memory(config)
    fitting = max(1, free // each)
    if fitting >= wanted:
        return AtOnce(wanted)
    return AtOnce(
        fitting,
        f"note: {fitting} of {wanted} trainings at a time (one a {unit}) are started: {_gb(free)} of memory are free, "
        f"and each takes about {_gb(each)}. Free memory or a smaller trainer.batch_size allow more; "
        f"n_jobs={wanted} starts all the same.",
    )


def worker_memory(config: Config) -> int:
    """Estimate the bytes that a worker takes, from those of the published network by the size of batch and input.

    The network of a user's own file may take more or less.
    """
    size = prod(config.features.shape) / prod(PUBLISHED.shape)
    return round(_LIBRARIES + _UTTERANCE * config.trainer.batch_size * size)


@lru_cache(maxsize=1)
def _free_at_first() -> int:
    return free_memory()


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
