"""The options with which commands outside a sweep name their MLflow store."""

import argparse
import os

from plb_ablate.config.schema import Tracking
from plb_ablate.core.credentials import STORE_VARIABLE
from plb_ablate.tracking.store import announce

__all__ = ["add_store_options", "chosen_store", "named_store"]


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--tracking-uri`` and ``--experiment`` to a command."""
    defaults = Tracking()
    parser.add_argument("--tracking-uri", help=f"MLflow store (default: {STORE_VARIABLE}, otherwise {defaults.uri})")
    parser.add_argument("--experiment", default=defaults.experiment, help="MLflow experiment (default: %(default)s)")


def chosen_store(options: argparse.Namespace) -> Tracking:
    """Return the store that the options, the environment or the default name, in this order, and print it."""
    tracking = named_store(options.tracking_uri, options.experiment)
    announce(tracking)
    return tracking


def named_store(tracking_uri: str | None, experiment: str) -> Tracking:
    """Return the store that an address, the environment or the default names, in this order."""
    return Tracking(tracking_uri or os.environ.get(STORE_VARIABLE) or Tracking.uri, experiment)
