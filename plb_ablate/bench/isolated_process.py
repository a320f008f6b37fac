"""Calls a function in a new process, with a given number of threads."""

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from plb_ablate.core.errors import PlbError
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.orchestration.worker import environment

__all__ = ["BenchError", "peak_resident_mb", "run_alone", "run_beside"]


class BenchError(PlbError):
    """A measurement failed in its process; the message is that process's traceback."""

    exit_code = 1


def run_alone(function: Callable[..., Any], *arguments: Any, threads: int, tensorflow: bool = True) -> Any:
    """Call a function of a module in a new process and return its result.

    Parameters
    ----------
    function : callable
        Importable by name; its arguments and result can be pickled.
    *arguments
    threads : int
        Threads of TensorFlow. NumPy's libraries get one thread, because their idle threads would keep a core busy.
    tensorflow : bool
        Whether the process loads TensorFlow before it calls the function.

    Raises
    ------
    BenchError
        If the function raises an exception or its process dies.
    """
    (result,) = run_beside(function, [arguments], threads=threads, tensorflow=tensorflow)
    return result


def run_beside(
    function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], *, threads: int, tensorflow: bool = True
) -> list[Any]:
    """Call a function once for each tuple of arguments, all at the same time, each in a new process."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe(duplex=False) for _ in arguments]
    workers = [
        context.Process(target=_work, args=(sender, threads if tensorflow else None, function, given), daemon=True)
        for (_, sender), given in zip(pipes, arguments, strict=True)
    ]
    with _environment(**environment(threads=1)):
        for worker in workers:
            worker.start()
    for _, sender in pipes:
        sender.close()
    try:
        return [_received(receiver) for receiver, _ in pipes]
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def peak_resident_mb() -> float:
    """Return the peak resident memory of this process in MB (10^6 bytes).

    Read from ``/proc`` on Linux, because ``getrusage`` starts with the size of the parent process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _work(sender: Connection, threads: int | None, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        with redirect_output(Path(os.devnull)):
            if threads:
                from plb_ablate.training.setup import set_up_tensorflow

                set_up_tensorflow(threads)
            result = function(*arguments)
        sender.send((True, result))
    except BaseException:
        sender.send((False, traceback.format_exc()))


def _received(receiver: Connection) -> Any:
    try:
        good, result = receiver.recv()
    except EOFError:
        good, result = False, "its process died"
    if not good:
        raise BenchError(f"a measurement failed:\n{result}")
    return result


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    kept = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
