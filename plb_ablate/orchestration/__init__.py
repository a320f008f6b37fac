"""Sweeps: missing cells are trained by worker processes, shown, and uploaded; the Hydra application.

In: configurations, or the command line that Hydra composes them from. Out: finished cells in the ledger and in MLflow,
and an exit code.
"""
