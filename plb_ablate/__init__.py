"""Ablation studies of the Pattern Learning Block network for speech emotion recognition."""

__all__ = ["__version__"]

__version__ = "0.1.0"
