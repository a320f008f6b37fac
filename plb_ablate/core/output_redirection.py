"""Where output goes: a cell's log, or nowhere while a chatty library is loaded."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["redirect_output"]


@contextmanager
def redirect_output(path: Path) -> Iterator[None]:
    """Send all that the process prints, TensorFlow's own lines too, to the end of a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        with suppress(OSError):  # a full disk: what is printed next may still find its way
            sys.stdout.flush()
            sys.stderr.flush()
        for saved, target in zip(kept, (1, 2), strict=True):
            os.dup2(saved, target)
            os.close(saved)
