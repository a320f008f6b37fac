"""Ablation studies of speech-emotion networks: the published Pattern Learning Block network, or a user's own."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plb_ablate.report.runs_table import load_runs

__all__ = ["__version__", "load_runs"]

__version__ = "0.1.0"

# Environment variables that libraries read at import; values set by the user are kept.
for _name, _value in {
    # By default TensorFlow uses oneDNN's kernels on some processors only; without them a plain convolution takes three
    # times as long.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    # A server that does not answer is reported after seconds.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}.items():
    os.environ.setdefault(_name, _value)


def __getattr__(name: str) -> Any:
    """Import what reads runs only when it is asked for."""
    if name == "load_runs":
        from plb_ablate.report.runs_table import load_runs

        return load_runs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
