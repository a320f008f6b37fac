"""Redirection of standard output and standard error to a file."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["redirect_output"]


@contextmanager
def redirect_output(path: Path) -> Iterator[None]:
    """Append everything that the process prints, including output of C++ code such as TensorFlow, to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        with suppress(OSError):  # the disk is full; restore the streams anyway
            sys.stdout.flush()
            sys.stderr.flush()
        for saved, target in zip(kept, (1, 2), strict=True):
            os.dup2(saved, target)
            os.close(saved)
