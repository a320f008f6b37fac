"""Hydra looks for launchers below ``hydra_plugins`` only; this one runs a sweep on SLURM."""

__all__: list[str] = []
