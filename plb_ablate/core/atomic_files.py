"""Files that are seen whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["remove_drafts", "replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a draft to write; it takes the place of `path` when the block ends, and goes if that ends in an error."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def remove_drafts(path: Path) -> None:
    """Remove what killed processes left of their drafts of `path`."""
    for draft in path.parent.glob(f".{path.name}.*"):
        draft.unlink(missing_ok=True)
