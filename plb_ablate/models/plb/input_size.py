"""The smallest input of the network; known without TensorFlow, so that a sweep can refuse a smaller one at once."""

from plb_ablate.core.errors import ConfigError

__all__ = ["LEAST_SIZE", "check_input_shape"]

LEAST_SIZE = 30
"""Fewest frames, and fewest coefficients or bands.

A stream leaves (n - 2) // 2 of n, the dilated block (n - 4) // 2, the depthwise-separable convolution n - 4: of 30
they leave 14, 5 and 1.
"""


def check_input_shape(shape: tuple[int, ...]) -> None:
    """Refuse an input that the network would pool to nothing.

    Parameters
    ----------
    shape : tuple of int
        Frames and coefficients, perhaps followed by the number of channels.

    Raises
    ------
    ConfigError
        If either is less than `LEAST_SIZE`. That holds for variants that could do with less as well, because each is
        compared with the complete network.
    """
    frames, coefficients, *_ = shape
    if min(frames, coefficients) < LEAST_SIZE:
        raise ConfigError(
            f"features of {frames} frames x {coefficients} coefficients or bands are too small for the network: it "
            f"needs {LEAST_SIZE} x {LEAST_SIZE} or more. Frames become more by a larger features.target_length or a "
            "smaller features.hop_length, coefficients by features.n_mfcc, bands (features=logmel) by features.n_mels."
        )
