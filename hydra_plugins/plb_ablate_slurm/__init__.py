"""A Hydra launcher that runs a sweep on SLURM; Hydra finds launchers only in ``hydra_plugins``."""

__all__: list[str] = []
