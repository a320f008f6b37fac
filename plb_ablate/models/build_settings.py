"""Settings that change a network, but neither its variant nor its input, and the shape of an input."""

from dataclasses import dataclass

from plb_ablate.core.errors import ConfigError

__all__ = ["BuildSettings", "Shape", "check_classes"]

Shape = tuple[int, int, int]
"""Frames, coefficients (or bands), and one channel."""


@dataclass(frozen=True)
class BuildSettings:
    """Settings that change a network, but neither its variant nor its input; a family may have none of them.

    Parameters
    ----------
    reverse : str
        Axis along which the input of the backward stream is reversed: ``coefficient`` or ``time``.
    bn_momentum : float
        Momentum of the moving statistics of batch normalisation.
    precision : str
        ``float32``, or ``bfloat16`` for the large products in training.
    """

    reverse: str = "coefficient"
    bn_momentum: float = 0.99
    precision: str = "float32"


def check_classes(num_classes: int) -> None:
    """Refuse a network with fewer than 2 classes.

    Raises
    ------
    ConfigError
        If `num_classes` is less than 2.
    """
    if num_classes < 2:
        raise ConfigError(f"num_classes={num_classes}: a classifier needs at least 2 classes.")
