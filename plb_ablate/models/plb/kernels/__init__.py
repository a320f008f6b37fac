"""Fast implementations of the layers: mathematically the same functions, with custom gradients.

In: tensors of a training step. Out: tensors, with their gradients.
"""
