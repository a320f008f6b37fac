"""What every layer owes: the first test of each."""

import inspect
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.testing import assert_allclose

__all__ = ["check_contract", "draw", "gradients", "randomise"]

Shape = tuple[int, ...]


def check_contract(
    layer: keras.layers.Layer, inputs: tuple[Shape, ...], output: Shape, weights: dict[str, Shape], folder: Path
) -> None:
    """Check a fresh layer, made with other settings than the default ones.

    Parameters
    ----------
    layer : keras.layers.Layer
    inputs : tuple of shapes
        Of one example each, without the batch axis.
    output : shape
        Expected, without the batch axis.
    weights : dict of str to shape
        Every weight, by its path below the layer.
    folder : Path
        For saved files.
    """
    _check_config(layer)
    symbols = [keras.Input(shape) for shape in inputs]
    model = keras.Model(symbols, layer(*symbols))
    values = [draw((4, *shape)) for shape in inputs]
    randomise(layer)
    _check_weights(layer, weights)
    _check_shapes(layer, model, values, output)
    _check_saving(model, values, folder)
    _check_training_step(layer, values)


def _check_config(layer: keras.layers.Layer) -> None:
    config = layer.get_config()
    own = inspect.signature(type(layer)).parameters if "__init__" in vars(type(layer)) else {}
    for name in set(own) - {"kwargs"}:
        assert config[name] != own[name].default, f"make the layer with another {name} than the default one"
    assert type(layer).from_config(config).get_config() == config


def _check_weights(layer: keras.layers.Layer, weights: dict[str, Shape]) -> None:
    found = {weight.path.removeprefix(f"{layer.name}/"): tuple(weight.shape) for weight in layer.weights}
    assert found == weights
    assert layer.count_params() == sum(int(np.prod(shape)) for shape in weights.values())


def _check_shapes(layer: keras.layers.Layer, model: keras.Model, values: list[Any], output: Shape) -> None:
    assert layer(*values).shape == (4, *output)
    assert model.output_shape == (None, *output)
    assert tuple(layer.compute_output_shape(*(value.shape for value in values))) == (4, *output)


def _check_saving(model: keras.Model, values: list[Any], folder: Path) -> None:
    expected = model(values, training=False).numpy()
    model.save(folder / "model.keras")
    model.save_weights(folder / "model.weights.h5")
    loaded = keras.saving.load_model(folder / "model.keras")
    assert_allclose(loaded(values, training=False).numpy(), expected, rtol=0, atol=0)
    randomise(loaded)
    loaded.load_weights(folder / "model.weights.h5")
    assert_allclose(loaded(values, training=False).numpy(), expected, rtol=0, atol=0)


def _check_training_step(layer: keras.layers.Layer, values: list[Any]) -> None:
    before = [weight.numpy() for weight in layer.weights]
    optimizer = keras.optimizers.SGD(1.0)
    _, slopes = gradients(layer, *values)
    assert all(np.isfinite(slope).all() for slope in slopes.values())
    if layer.trainable_weights:
        optimizer.apply([slopes[weight.path] for weight in layer.trainable_weights], layer.trainable_weights)
    for weight, old in zip(layer.weights, before, strict=True):
        assert (weight.numpy() != old).any(), f"{weight.path} did not change"


def gradients(layer: Any, *values: Any, training: bool = True) -> tuple[Any, dict[str, Any]]:
    """Give output and gradients (by weight path, and by the input's number) of one weighted sum of the output.

    The layer runs as it does in training: inside a `tf.function`.
    """
    tensors = [tf.constant(value) for value in values]
    keyword = {"training": training} if _takes_training(layer) else {}

    @tf.function
    def run() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            output = layer(*tensors, **keyword)
            total = tf.reduce_sum(output * draw(output.shape, seed=5))
        weights = [weight.value for weight in layer.trainable_weights]
        return output, tape.gradient(total, [*weights, *tensors])

    output, slopes = run()
    names = [*(weight.path for weight in layer.trainable_weights), *(f"input{i}" for i in range(len(tensors)))]
    return output.numpy(), {name: slope.numpy() for name, slope in zip(names, slopes, strict=True) if slope is not None}


def draw(shape: Any, seed: int = 0, scale: float = 1.0) -> Any:
    """Draw normal float32 numbers, always the same."""
    return (scale * np.random.default_rng(seed).standard_normal(tuple(shape))).astype("float32")


def randomise(layer: Any, seed: int = 3) -> None:
    """Give every weight, moving statistics included, random values, so that no wiring error can hide."""
    for number, weight in enumerate(layer.weights):
        values = 0.3 * draw(weight.shape, seed + number)
        positive = weight.path.endswith(("gamma", "variance", "scale"))
        weight.assign(0.5 + np.abs(values) if positive else values)


def _takes_training(layer: Any) -> bool:
    return "training" in inspect.signature(layer.call).parameters
