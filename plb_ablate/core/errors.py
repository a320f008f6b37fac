"""The exceptions of this package.

PlbError
├── ConfigError        a setting is unknown, misspelt or has an invalid value
├── CorpusError        a corpus folder, file name or label differs from the official distribution
│   ├── DownloadError  a corpus could not be downloaded
│   └── RecordingError one or more recordings cannot be used; all of them are listed
├── ProtocolError      the requested folds cannot be made from this corpus
│   └── LeakageError   the splits of a speaker-independent protocol share speakers or recordings
├── RemovalError       an ablation did not change the network
├── DivergenceError    a training produced a loss, probability or weight that is not finite
├── ModelError         an exported model is missing or damaged, or cannot be created or run
├── PairingError       two variants cannot be compared on identical folds
├── StoreError         the ledger or the MLflow store cannot be read or written
└── CellError          one or more cells of a sweep failed

Every message names the received value, the allowed values and how to fix the problem. The command line prints only
the message (no traceback) and exits with `exit_code`.
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
    "DivergenceError",
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
    """Base class of all exceptions that this package raises deliberately."""

    exit_code = 2


class ConfigError(PlbError):
    """A setting is unknown, misspelt or has an invalid value."""


class CorpusError(PlbError):
    """A corpus folder, file name or label differs from the official distribution."""


class DownloadError(CorpusError):
    """A corpus could not be downloaded; data already received is kept if the download can be resumed."""


class RecordingError(CorpusError):
    """One or more recordings cannot be used.

    Parameters
    ----------
    problems : sequence of (path, reason)
        All recordings that failed, not only the first.
    """

    def __init__(self, problems: Sequence[tuple[Path, str]]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {path}: {reason}" for path, reason in self.problems)
        noun = "recording" if len(self.problems) == 1 else "recordings"
        super().__init__(
            f"{len(self.problems)} {noun} cannot be used:\n{lines}\n"
            "Replace these files with intact copies from the corpus."
        )

    def __reduce__(self) -> tuple[type["RecordingError"], tuple[Sequence[tuple[Path, str]]]]:
        return type(self), (self.problems,)


class ProtocolError(PlbError):
    """The requested folds cannot be made from this corpus."""


class LeakageError(ProtocolError):
    """The splits of a speaker-independent protocol share speakers or recordings."""


class RemovalError(PlbError):
    """An ablation did not change the network."""


class DivergenceError(PlbError):
    """A training produced a loss, a probability or a weight that is not finite; it has no result."""

    exit_code = 1


class ModelError(PlbError):
    """An exported model is missing or damaged, or cannot be created or run."""


class PairingError(PlbError):
    """Two variants cannot be compared fold by fold."""


class StoreError(PlbError):
    """The ledger or the MLflow store cannot be read or written."""

    exit_code = 3


class CellError(PlbError):
    """One or more cells of a sweep failed; the results of the others are kept."""

    exit_code = 1


P = ParamSpec("P")


def exit_codes(command: Callable[P, int]) -> Callable[P, int]:
    """Decorate a command so that it prints a `PlbError` as ``error: <message>`` and returns its exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return command(*args, **kwargs)
        except PlbError as error:
            print(f"error: {error}", file=sys.stderr)
            return error.exit_code

    return run
