"""One measured value."""

from dataclasses import dataclass

__all__ = ["Figure"]


@dataclass(frozen=True)
class Figure:
    """One measured value.

    Parameters
    ----------
    measure : str
        What was measured, for example ``training step``.
    setting : str
        On what, for example ``none, 2 threads``.
    value : float
    unit : str
    ratio : float, optional
        `value` compared with `against`, within the same run.
    against : str
        What the ratio is to.
    """

    measure: str
    setting: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
