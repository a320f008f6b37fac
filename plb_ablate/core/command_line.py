"""The argument parser shared by the commands ``python -m plb_ablate.<command>``."""

import argparse

__all__ = ["make_parser"]


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
    return argparse.ArgumentParser(
        prog=f"python -m plb_ablate.{command}",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
