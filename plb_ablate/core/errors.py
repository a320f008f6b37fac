"""What can go wrong, as one small tree.

PlbError
├── ConfigError        a setting is unknown, impossible or misspelt
├── CorpusError        a corpus folder, a file name or a label is not what its authors distribute
│   ├── DownloadError  a corpus could not be fetched
│   └── RecordingError some recordings cannot be used; all of them are listed
├── ProtocolError      the folds asked for cannot be made from this corpus
│   └── LeakageError   a protocol that promises apart speakers would break its promise
├── RemovalError       an ablation did not take away what it should
├── ModelError         an exported model is missing, broken, or cannot be made or run
├── PairingError       two variants cannot be compared on identical folds
├── StoreError         the ledger or the MLflow store cannot be read or written
└── CellError          one or more cells of a sweep failed

Every message names the value received, the values allowed and the way out. The command line prints the message
alone (no traceback) and exits with `exit_code`.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec

__all__ = [
    "CellError",
    "ConfigError",
    "CorpusError",
    "DownloadError",
    "LeakageError",
    "ModelError",
    "PairingError",
    "PlbError",
    "ProtocolError",
    "RecordingError",
    "RemovalError",
    "StoreError",
    "exit_codes",
]


class PlbError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 2


class ConfigError(PlbError):
    """A setting is unknown, impossible or misspelt."""


class CorpusError(PlbError):
    """A corpus folder, file name or label is not as its authors distribute it."""


class DownloadError(CorpusError):
    """A corpus could not be fetched; what arrived of it is kept where it is of use."""


class RecordingError(CorpusError):
    """Some recordings cannot be used.

    Parameters
    ----------
    problems : sequence of (path, reason)
        Every recording that failed, not only the first.
    """

    def __init__(self, problems: Sequence[tuple[Path, str]]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {path}: {reason}" for path, reason in self.problems)
        noun = "recording" if len(self.problems) == 1 else "recordings"
        super().__init__(
            f"{len(self.problems)} {noun} cannot be used:\n{lines}\n"
            "Replace these files with intact copies of the corpus."
        )

    def __reduce__(self) -> tuple[type["RecordingError"], tuple[Sequence[tuple[Path, str]]]]:
        return type(self), (self.problems,)


class ProtocolError(PlbError):
    """The folds asked for cannot be made from this corpus."""


class LeakageError(ProtocolError):
    """A protocol that promises apart speakers would break its promise."""


class RemovalError(PlbError):
    """An ablation did not take away what it should."""


class ModelError(PlbError):
    """An exported model is missing, broken, or cannot be made or run."""


class PairingError(PlbError):
    """Two variants cannot be compared fold by fold."""


class StoreError(PlbError):
    """The ledger or the MLflow store cannot be read or written."""

    exit_code = 3


class CellError(PlbError):
    """One or more cells of a sweep failed; the others are finished and kept."""

    exit_code = 1


P = ParamSpec("P")


def exit_codes(command: Callable[P, int]) -> Callable[P, int]:
    """Let a command print our own errors without a traceback, after ``error:``, and return their exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return command(*args, **kwargs)
        except PlbError as error:
            print(f"error: {error}", file=sys.stderr)
            return error.exit_code

    return run
