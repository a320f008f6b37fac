"""Packages that a library would import although this process never uses them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["leaving_out"]


@contextmanager
def leaving_out(*packages: str) -> Iterator[None]:
    """Make packages look as if they were not installed, for libraries imported in the block to which they are optional.

    Packages that are already imported stay so. After the block all can be imported.
    """
    blocked = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]  # None: importing it raises ImportError
    try:
        yield
    finally:
        for name in blocked:
            del sys.modules[name]
