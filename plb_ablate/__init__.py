"""Ablation studies of the Pattern Learning Block network for speech emotion recognition."""

import os

__all__ = ["__version__"]

__version__ = "0.1.0"

# What other libraries read when they are imported, unless the user has said otherwise.
for _name, _value in {
    # TensorFlow by itself uses oneDNN's kernels on some processors and not on others: without them a plain convolution
    # takes three times as long.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    # A server that is away is known in seconds.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}.items():
    os.environ.setdefault(_name, _value)
