"""Servers that a test starts and stops: in the foreground, on loopback, with a log of their own."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["SBIN", "free_port", "server", "until"]

SBIN = f"{os.environ['PATH']}:/usr/sbin:/sbin"
"""Where the programs of servers are found."""


@contextmanager
def server(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    ready: Callable[[], bool],
    user: str | None = None,
) -> Iterator[Path]:
    """Run a server until the block ends, and give its log; `user` is whom root runs it as."""
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL, user=user, cwd=folder
        )
    try:
        until(lambda: ready() or process.poll() is not None, 90)
        running = process.poll() is None and ready()
        assert running, f"{command[0]} does not answer:\n{log.read_text()[-3000:]}"
        yield log
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of the loopback interface that nothing listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(done: Callable[[], object], seconds: float) -> bool:
    """Wait until something is so, and say whether it came to be."""
    deadline = time.monotonic() + seconds
    while not (so := done()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(so)
