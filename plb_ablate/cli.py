"""The name by which settings know the Hydra application: ``plb_ablate.cli.SweepCallback``."""

from plb_ablate.orchestration.hydra_app import SweepCallback, main

__all__ = ["SweepCallback", "main"]
