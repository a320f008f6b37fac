"""Files of a report, written one by one: one that cannot be written does not keep the others from being written."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from plb_ablate.core.errors import OutputError

__all__ = ["all_that_can_be_written", "write_file"]

_failed: ContextVar[list[tuple[Path, str]] | None] = ContextVar("_failed", default=None)


@contextmanager
def all_that_can_be_written() -> Iterator[None]:
    """Let `write_file` go on after a failure for the duration of the block.

    Raises
    ------
    OutputError
        At the end of the block, if files could not be written; it names them.
    """
    failures: list[tuple[Path, str]] = []
    token = _failed.set(failures)
    try:
        yield
    finally:
        _failed.reset(token)
    if failures:
        raise OutputError(failures)


def write_file(path: Path, content: str | bytes) -> list[Path]:
    """Write a file, and the folders above it if they do not exist.

    Parameters
    ----------
    path : Path
    content : str or bytes
        Text is written as UTF-8, with the same line ends everywhere.

    Returns
    -------
    list of Path
        The file; empty if it could not be written within `all_that_can_be_written`.

    Raises
    ------
    OSError
        If it cannot be written, outside of such a block.
    """
    failures = _failed.get()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        if failures is None:
            raise
        failures.append((path, error.strerror or str(error)))
        return []
    return [path]
