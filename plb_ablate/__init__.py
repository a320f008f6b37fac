"""Ablation studies of the Pattern Learning Block network for speech emotion recognition."""

import os

__all__ = ["__version__"]

__version__ = "0.1.0"

# Read when TensorFlow is imported, which by itself uses oneDNN's kernels on some processors and not on others: without
# them a plain convolution takes three times as long.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
