"""The argument parser shared by the commands ``python -m plb_ablate.<command>``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plb_ablate.core.credentials import protect_secrets
from plb_ablate.core.errors import ConfigError
from plb_ablate.core.paths import expand_path

__all__ = ["make_parser", "path_argument"]


class _Parser(argparse.ArgumentParser):
    """Refuses arguments that contain a secret before anything can print or save them."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        protect_secrets(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)


def make_parser(command: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Create the argument parser of a command, without its options.

    Parameters
    ----------
    command : str
        Module name inside ``plb_ablate``, for example ``params``.
    description : str
        What the command does, in one or two sentences.
    examples : str
        Text shown unchanged below the options.
    """
    return _Parser(
        prog=f"python -m plb_ablate.{command}",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def path_argument(text: str) -> Path:
    """Return the path that an option names, with ``~`` and environment variables expanded: the `type` of such options.

    Raises
    ------
    argparse.ArgumentTypeError
        If a user or an environment variable does not exist.
    """
    try:
        return Path(expand_path(text))
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
