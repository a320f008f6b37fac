"""Ctrl-C, SIGTERM and a closed terminal: the first asks for a clean end, the second ends at once."""

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
    """The process was asked to stop; no `Exception`, so that nothing takes it for a failed job.

    Parameters
    ----------
    number : int
        The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name
        self.exit_code = 128 + number


@contextmanager
def interrupts_raised() -> Iterator[None]:
    """Turn the first signal into `Interrupted`; a second ends the process where it is.

    Signals that whoever started the process has it ignore (``nohup``) stay ignored.
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
    """Keep Ctrl-C, which reaches every process of a terminal, from threads and processes that are started inside."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def ignore_ctrl_c() -> None:
    """Leave Ctrl-C to the process that started this one and its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_with(parent: int) -> None:
    """End this process within half a second after its parent has gone, however that ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.25)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
