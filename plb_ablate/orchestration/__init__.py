"""Sweeps: what is missing is trained by worker processes, shown, and uploaded; the Hydra application.

In: configurations. Out: finished cells in the ledger and in MLflow, and an exit code.
"""
