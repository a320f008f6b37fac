"""LIGHT-SERNET: a convolutional network with three parallel paths at its entrance, which can be removed.

In: the number of classes, the shape of the input and the removed paths. Out: a Keras model.
"""
