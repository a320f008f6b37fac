"""What the commands beside ``python -m plb_ablate`` have in common."""

import argparse

__all__ = ["make_parser"]


def make_parser(command: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Make the parser of a command, without its options.

    Parameters
    ----------
    command : str
        Module below ``plb_ablate``, for example ``params``.
    description : str
        What the command does, in a sentence or two.
    examples : str
        Shown below the options as it is.
    """
    return argparse.ArgumentParser(
        prog=f"python -m plb_ablate.{command}",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
