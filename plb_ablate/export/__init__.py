"""A trained model on its way out: ``python -m plb_ablate.export run=best``.

The parts are not imported here, so that the command's ``--help`` does not load TensorFlow.
"""

__all__ = ["BEST"]

BEST = "best"
"""What ``run=`` says for the fold with the highest headline WA of a dataset."""
