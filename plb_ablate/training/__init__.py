"""Training of one fold: Keras ``fit`` with the published optimiser and schedule, scores after every epoch, checkpoints.

In: features, labels, a fold and a seed. Out: a `TrainingState` after every epoch. The caller decides where it is saved;
nothing is uploaded from here.
"""
