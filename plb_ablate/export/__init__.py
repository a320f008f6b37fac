"""A trained model as Keras, SavedModel and LiteRT files: ``python -m plb_ablate.export run=best``.

In: a finished run. Out: files, each checked on the test fold. Nothing is imported here, so that ``--help`` is quick.
"""

__all__ = ["BEST"]

BEST = "best"
"""What ``run=`` says for the fold with the highest WA of a dataset."""
