"""The exceptions of this package.

PlbError
├── ConfigError        a setting is unknown, misspelt or has an invalid value
│   └── ModelFileError a user's model file is no classifier of the right shape
├── CorpusError        a corpus folder, file name or label differs from the official distribution
│   ├── DownloadError  a corpus could not be downloaded
│   └── RecordingError one or more recordings cannot be used; all of them are listed
├── ProtocolError      the requested folds cannot be made from this corpus
│   └── LeakageError   the splits of a speaker-independent protocol share speakers or recordings
├── RemovalError       an ablation did not change the network
├── DivergenceError    a training produced a loss, probability or weight that is not finite
├── ModelError         an exported model is missing or damaged, or cannot be created or run
├── PairingError       two variants cannot be compared on identical folds
├── OutputError        files of a report could not be written
├── StoreError         the ledger or the MLflow store cannot be read or written
└── CellError          one or more cells of a sweep failed

Every message names the received value, the allowed values and how to fix the problem. The command line prints only
the message (no traceback) and exits with `exit_code`.
"""

import errno
import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec

from plb_ablate.core.signals import Interrupted

__all__ = [
    "NO_ROOM",
    "UNEXPECTED",
    "CellError",
    "ConfigError",
    "CorpusError",
    "DivergenceError",
    "DownloadError",
    "LeakageError",
    "ModelError",
    "ModelFileError",
    "OutputError",
    "PairingError",
    "PlbError",
    "ProtocolError",
    "RecordingError",
    "RemovalError",
    "StoreError",
    "exit_codes",
]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of system errors that say that a disk, a quota or a limit is full."""


class PlbError(Exception):
    """Base class of all exceptions that this package raises deliberately."""

    exit_code = 2


class ConfigError(PlbError):
    """A setting is unknown, misspelt or has an invalid value."""


class ModelFileError(ConfigError):
    """A user's model file lacks a name, fails, or builds something other than a classifier of the right shape."""


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


class OutputError(PlbError):
    """Files of a report could not be written; all others are written.

    Parameters
    ----------
    problems : sequence of (path, reason)
        All files that failed.
    """

    shown = 5
    """Number of files that the message names."""

    def __init__(self, problems: Sequence[tuple[Path, str]]) -> None:
        self.problems = tuple(problems)
        lines = [f"  {path}: {reason}\n" for path, reason in self.problems[: self.shown]]
        more = len(self.problems) - len(lines)
        lines += [f"  and {more} more\n"] if more else []
        noun = "file" if len(self.problems) == 1 else "files"
        super().__init__(
            f"{len(self.problems)} {noun} of the report cannot be written:\n{''.join(lines)}All others are written. "
            "Close programs in which they are open, or name another folder with --out; then run the command again."
        )


class StoreError(PlbError):
    """The ledger or the MLflow store cannot be read or written."""

    exit_code = 3


class CellError(PlbError):
    """One or more cells of a sweep failed; the results of the others are kept."""

    exit_code = 1


P = ParamSpec("P")

UNEXPECTED = 4
"""Exit code of errors that are no `PlbError`: no memory, no room, or a mistake in the program."""


def exit_codes(command: Callable[P, int]) -> Callable[P, int]:
    """Decorate a command so that whatever it raises becomes a message on standard error and an exit code.

    A `PlbError` is printed as ``error: <message>``, with its exit code; a signal ends with 128 + its number; everything
    else ends with `UNEXPECTED`, with a traceback if it is neither the system's nor the memory's fault.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return command(*args, **kwargs)
        except PlbError as error:
            words, code = f"{error}{_notes(error)}", error.exit_code
        except Interrupted as stop:
            print(f"stopped by {stop.name}: {stop.kept}", file=sys.stderr)
            return stop.exit_code
        except KeyboardInterrupt as error:
            print(f"stopped by SIGINT{_notes(error)}", file=sys.stderr)
            return 128 + signal.SIGINT
        except BrokenPipeError:  # the reader of a pipe has ended, for example head
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - what is buffered must not be written at the end
            return 128 + signal.SIGPIPE
        except Exception as error:
            words, code = f"{_unexpected(error)}{_notes(error)}", UNEXPECTED
        print(f"error: {words}", file=sys.stderr)
        return code

    return run


def _unexpected(error: Exception) -> str:
    if isinstance(error, MemoryError):
        why = str(error) or "MemoryError"
        return f"there is not enough memory ({why}). Free memory, or use a smaller n_jobs."
    if isinstance(error, OSError):
        room = " Free disk space and run the same command again." if error.errno in NO_ROOM else ""
        return f"{error}.{room}"
    traceback.print_exception(error)
    return f"unexpected {type(error).__name__}, a mistake in the program; please report it with the lines above."


def _notes(error: BaseException) -> str:
    return "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
