"""A progress bar for long loops in an interactive terminal."""

import sys
from collections.abc import Iterable
from typing import TypeVar

__all__ = ["with_progress"]

T = TypeVar("T")


def with_progress(items: Iterable[T], description: str, total: int, *, progress: bool = True) -> Iterable[T]:
    """Iterate over `items`, with a progress bar if standard error is a terminal and there is more than one item.

    Parameters
    ----------
    items : iterable
    description : str
        Label of the bar, for example ``Extracting features``.
    total : int
        Number of items.
    progress : bool
        False disables the bar.
    """
    if not (progress and total > 1 and sys.stderr.isatty()):
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, description=description, total=total, console=Console(stderr=True))
