"""One trainer for every variant: Keras ``fit``, the published optimiser and schedule, a score of every epoch.

In: features, labels, a fold, a seed. Out: a `TrainingState` after every epoch; knows no disk and no tracker.
"""
