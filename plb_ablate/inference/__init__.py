"""An exported model without TensorFlow: LiteRT, and the card that travels with it.

In: a LiteRT file and features. Out: class probabilities.
"""
