"""LIGHT-SERNET and its ablation variants, each without one or more of the three paths at its entrance.

Source: Aftab, Morsali, Ghaemmaghami and Champagne, LIGHT-SERNET: A Lightweight Fully Convolutional Neural Network for
Speech Emotion Recognition, ICASSP 2022, section 2.3 and figure 1. It is the network of that paper, not a reproduction
of its table: the features, the folds and the choice of the epoch are those of this package.
"""

from collections.abc import Set
from typing import Any

import keras
from keras import layers, regularizers

from plb_ablate.models.build_settings import Shape, check_classes
from plb_ablate.models.light_sernet.paths import PATH_FILTERS, PATHS

__all__ = ["build_light_sernet"]

BODY = ((64, (2, 2)), (96, (2, 2)), (128, (2, 1)), (160, (2, 1)))
"""Filters and average pooling of each 3 x 3 convolution after the paths."""

TOP_FILTERS = 320
L2 = 1e-6
"""Weight of the L2 regularisation of the convolutions after the paths."""


def build_light_sernet(
    num_classes: int, input_shape: Shape, removed: Set[str] = frozenset(), *, bn_momentum: float = 0.99
) -> keras.Model:
    """Build the network without the `removed` paths.

    Parameters
    ----------
    num_classes : int
        Number of emotions, at least 2.
    input_shape : tuple of int
        Frames, coefficients, one channel.
    removed : set of str
        Of `plb_ablate.models.light_sernet.paths.PATHS`. Without any path, the first convolution sees the pooled input.
    bn_momentum : float
        Momentum of the moving statistics of batch normalisation.

    Returns
    -------
    keras.Model
        float32 (batch, *input_shape) -> class probabilities, float32 (batch, num_classes).

    Raises
    ------
    ConfigError
        If `num_classes` is less than 2.
    """
    check_classes(num_classes)

    def activated(x: Any, name: str) -> Any:
        x = layers.BatchNormalization(momentum=bn_momentum, name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    def convolved(x: Any, filters: int, size: int, name: str) -> Any:
        kernel = regularizers.L2(L2)
        x = layers.Conv2D(filters, size, padding="same", use_bias=False, kernel_regularizer=kernel, name=name)(x)
        return activated(x, name)

    inputs = keras.Input(input_shape, name="features")
    paths = []
    for name, size in PATHS.items():
        if name not in removed:
            x = activated(layers.Conv2D(PATH_FILTERS, size, padding="same", name=name)(inputs), name)
            paths.append(layers.AveragePooling2D(2, name=f"{name}_pool")(x))
    if not paths:
        paths = [layers.AveragePooling2D(2, name="input_pool")(inputs)]
    x = paths[0] if len(paths) == 1 else layers.Concatenate(name="paths")(paths)
    for number, (filters, pool) in enumerate(BODY, 1):
        x = convolved(x, filters, 3, f"body_{number}")
        x = layers.AveragePooling2D(pool, padding="same", name=f"body_{number}_pool")(x)
    x = convolved(x, TOP_FILTERS, 1, "top")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    outputs = layers.Dense(num_classes, activation="softmax", name="classifier")(x)
    return keras.Model(inputs, outputs, name="light_sernet")
