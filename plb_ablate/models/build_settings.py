"""Settings that change a network, but neither its variant nor its input, and the shape of an input."""

from dataclasses import dataclass

__all__ = ["BuildSettings", "Shape"]

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
