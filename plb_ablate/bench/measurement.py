"""One measured value."""

from dataclasses import dataclass

__all__ = ["Measurement"]


@dataclass(frozen=True)
class Measurement:
    """One measured value.

    Parameters
    ----------
    measure : str
        What was measured, for example ``training step``.
    setting : str
        Conditions, for example ``none, 2 threads``.
    value : float
    unit : str
    ratio : float, optional
        `value` compared with `against`, within the same run.
    against : str
        What `value` is compared with.
    """

    measure: str
    setting: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
