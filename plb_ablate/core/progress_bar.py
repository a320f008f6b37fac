"""The bar that long loops show where a person looks on."""

import sys
from collections.abc import Iterable
from typing import TypeVar

__all__ = ["with_progress"]

T = TypeVar("T")


def with_progress(items: Iterable[T], description: str, total: int, *, progress: bool = True) -> Iterable[T]:
    """Go through `items`, with a progress bar where standard error is a terminal and there is more than one.

    Parameters
    ----------
    items : iterable
    description : str
        What is done to them, for example ``Extracting features``.
    total : int
        How many they are.
    progress : bool
        Whether a bar is wanted at all.
    """
    if not (progress and total > 1 and sys.stderr.isatty()):
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, description=description, total=total, console=Console(stderr=True))
