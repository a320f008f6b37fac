"""The three paths at the entrance of LIGHT-SERNET, without TensorFlow."""

__all__ = ["PATHS", "PATH_FILTERS"]

PATHS = {"time": (11, 1), "frequency": (1, 9), "local": (3, 3)}
"""Size of each path's convolution: frames, coefficients."""

PATH_FILTERS = 32
"""Filters of each path."""
