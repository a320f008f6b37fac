"""The setting group ``schedule``: which cells of a sweep are trained, and in which order."""

from dataclasses import dataclass

from plb_ablate.core.errors import ConfigError

__all__ = ["SCHEDULES", "Schedule"]

SCHEDULES = ("all", "racing")
"""Names of schedules."""


@dataclass
class Schedule:
    """Which cells of a sweep are trained; it never changes the result of a cell.

    Parameters
    ----------
    name : str
        ``all`` cells, or ``racing``: fold by fold across the variants of a sweep, and a variant that is decided is not
        trained on (docs/racing.md).
    max_seeds : int, optional
        Most seeds that are trained: `seed` and those that follow it, unless `seed` lists several. Null trains those of
        `seed`.
    futility : float
        With `racing`: a variant leaves if its chance to be decided within all folds and seeds is smaller; 0 for never.
    """

    name: str = "all"
    max_seeds: int | None = None
    futility: float = 0.05

    def __post_init__(self) -> None:
        if self.name not in SCHEDULES:
            raise ConfigError(f"schedule.name={self.name} is unknown. Use one of {', '.join(SCHEDULES)}.")
        if self.max_seeds is not None and self.max_seeds < 1:
            raise ConfigError(f"schedule.max_seeds={self.max_seeds} must be 1 or more, or null.")
        if not 0 <= self.futility < 1:
            raise ConfigError(f"schedule.futility={self.futility} must be a chance: 0 or more, and less than 1.")

    @property
    def racing(self) -> bool:
        """Whether decided variants leave the sweep."""
        return self.name == "racing"
