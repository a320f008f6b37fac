"""Export of a trained model as Keras, SavedModel and LiteRT files: ``python -m plb_ablate.export run=best``.

In: a finished run. Out: model files, each checked on the test fold of the run, and the model in MLflow. Nothing is
imported here, so that ``--help`` is quick.
"""

__all__ = ["BEST"]

BEST = "best"
"""Value of ``run=`` for the fold with the highest WA of a dataset."""
