"""Inference with an exported LiteRT model, without TensorFlow, and the model card stored in its file.

In: a ``.tflite`` file and features. Out: class probabilities.
"""
