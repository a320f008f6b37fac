"""The Pattern Learning Block network: its builder, its loss, its layers and their fast implementations.

In: the number of classes and the name of a variant. Out: a Keras model, and the published loss.
"""
