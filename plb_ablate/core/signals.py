"""Handling of SIGINT (Ctrl-C), SIGTERM and SIGHUP: the first signal requests a clean stop, the second stops at once."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupted", "end_with", "ignore_ctrl_c", "interrupts_raised", "without_ctrl_c"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """The process was asked to stop; not an `Exception`, so that it is never handled as a failed job.

    Parameters
    ----------
    number : int
        Signal number.

    Attributes
    ----------
    kept : str
        What was kept of the work; for the message.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.kept = "No training had started."
        self.name = signal.Signals(number).name
        self.exit_code = 128 + number


@contextmanager
def interrupts_raised() -> Iterator[None]:
    """Raise `Interrupted` on the first signal; terminate the process immediately on the second.

    Signals that the process already ignores (for example under ``nohup``) stay ignored.
    """
    kept = {number: signal.getsignal(number) for number in _SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, lambda number, frame: os._exit(128 + number))
        raise Interrupted(number)

    for number, handler in kept.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Block SIGINT for threads and processes started in the block: Ctrl-C reaches every process of a terminal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def ignore_ctrl_c() -> None:
    """Ignore SIGINT in this process; the parent process handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_with(parent: int) -> None:
    """Terminate this process within half a second after its parent process has ended for any reason."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.25)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
