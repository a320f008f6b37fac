"""The name of the Hydra application in settings: ``plb_ablate.cli.SweepCallback``."""

from plb_ablate.orchestration.hydra_app import SweepCallback, main

__all__ = ["SweepCallback", "main"]
