"""The Pattern Learning Block network and every removal from it: one builder, named layers, toggles.

Source: the published study's model and its released experiments; each step below bears the name that the parameter
tables use. Kim et al., A Light-weight Model for Speech Emotion Recognition based on Pattern Learning Block.
"""

import json
from collections import Counter
from typing import Any

import keras
from keras import layers

from plb_ablate.ablation import canonical_ablation, removed_modules
from plb_ablate.errors import ConfigError, RemovalError
from plb_ablate.layers import CBAM, DWSCNN, ConvBlock, DynamicRouting, Reverse, ScaledAttention, SpatialGate, ToCapsules

__all__ = [
    "INPUT_SHAPE",
    "REVERSE_AXIS",
    "build_model",
    "check_removal",
    "module_parameters",
    "named_weights",
    "random_generators",
]

INPUT_SHAPE = (196, 39, 1)
"""Frames, MFCC coefficients, one channel."""

REVERSE_AXIS = {"coefficient": 2, "time": 1}
"""What ``reverse=`` names: the axis that the backward stream sees reversed."""

_STREAMS = {"spa_published": ("backward",), "backward_only": ("backward",), "forward_only": ("forward",)}
_BOTH_STREAMS = ("forward", "backward")


def build_model(
    num_classes: int,
    ablation: str = "none",
    reverse: str = "coefficient",
    *,
    bn_momentum: float = 0.99,
    precision: str = "float32",
) -> keras.Model:
    """Build the network, or the network with a removal.

    Parameters
    ----------
    num_classes : int
        Emotions to tell apart, at least 2.
    ablation : str
        ``none``, a removal, several joined by ``+``, or another published model; see `plb_ablate.ablation`.
    reverse : {"coefficient", "time"}
        Axis that the backward stream sees reversed. The published numbers come from ``coefficient``; the text of the
        paper describes ``time``.
    bn_momentum : float
        Momentum of the conv blocks' moving statistics. The published value serves 300 epochs; a training of a few
        steps needs a smaller one, or inference uses statistics that never left their start.
    precision : {"float32", "bfloat16"}
        Of the large products in training (the dilated and the pointwise convolution, the self-attention); weights,
        sums, normalisations and inference are float32 in any case.

    Returns
    -------
    keras.Model
        float32 (batch, 196, 39, 1) -> class probabilities, float32 (batch, num_classes).

    Raises
    ------
    ConfigError
        If a name is unknown or `num_classes` is below 2.
    """
    name = canonical_ablation(ablation)
    if reverse not in REVERSE_AXIS:
        raise ConfigError(f"reverse={reverse} is unknown. Use one of {', '.join(REVERSE_AXIS)}.")
    if num_classes < 2:
        raise ConfigError(f"num_classes={num_classes}: a classifier needs at least 2 classes.")
    removed = removed_modules(name)
    streams = _STREAMS.get(name, _BOTH_STREAMS)

    # ------------------------------------------------------------------ layers
    blocks = {stream: ConvBlock(momentum=bn_momentum, name=stream) for stream in streams}
    dilated = ConvBlock(dilation=2, momentum=bn_momentum, precision=precision, name="dilated")
    cbam = _identity if "cbam" in removed else CBAM(name="cbam")
    attention = ScaledAttention(precision, name="attention")
    gated = "spa" not in removed and name != "spa_published"
    capsule_gate = _CapsuleGate() if gated else _identity

    # ------------------------------------------------------------------ functional model
    inputs = keras.Input(INPUT_SHAPE, name="mfcc")
    views = {"forward": inputs, "backward": inputs}
    if "backward" in streams:
        views["backward"] = Reverse(REVERSE_AXIS[reverse], name="reverse")(inputs)
    encoded = [cbam(blocks[stream](views[stream])) for stream in streams]
    x = encoded[0]
    if len(encoded) == 2:
        x = layers.Add(name="cross_attention")([x, attention(x, encoded[1])])
    x = cbam(dilated(x))
    if "dwscnn" not in removed:
        x = DWSCNN(precision=precision, name="dwscnn")(x)
    x = ToCapsules(name="capsules")(x)
    if "dwscnn" not in removed:
        x = capsule_gate(x)
    if "sa" not in removed:
        attended = layers.LayerNormalization(name="layer_norm")(attention(x))
        x = capsule_gate(layers.Multiply(name="self_attention")([attended, x]))
    if "routing" not in removed:
        x = DynamicRouting(name="routing")(x)
    x = layers.GlobalAveragePooling1D(name="capsule_mean")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    outputs = layers.Dense(num_classes, activation="softmax", name="classifier")(x)
    return keras.Model(inputs, outputs, name="plb_" + name.replace("+", "_"))


class _CapsuleGate:
    """``x + SpatialGate(x)`` on capsules seen as an image (n, dimension, 1); one gate, used up to twice."""

    def __init__(self) -> None:
        self.gate = SpatialGate(name="capsule_gate")
        self.uses = 0

    def __call__(self, x: Any) -> Any:
        self.uses += 1
        image = layers.Reshape((*x.shape[1:], 1), name=f"capsule_image_{self.uses}")(x)
        gated = layers.Reshape(x.shape[1:], name=f"gated_capsules_{self.uses}")(self.gate(image))
        return layers.Add(name=f"capsule_residual_{self.uses}")([x, gated])


def _identity(x: Any) -> Any:
    return x


# ---------------------------------------------------------------------- weights and parameters


def named_weights(model: keras.Model) -> dict[str, keras.Variable]:
    """Give every weight of `model` under its public name, for example ``forward/conv/kernel``.

    Returns
    -------
    dict of str to keras.Variable
        In the model's own order; moving statistics included, dropout's random state not.
    """
    return {variable.path: variable for variable in model.weights}


def random_generators(model: keras.Model) -> dict[str, keras.random.SeedGenerator]:
    """Give the random generator of every dropout layer under the layer's own name, for example ``forward/dropout``.

    Keras names generators by how many a process has made; these names depend on the model alone.

    Returns
    -------
    dict of str to keras.random.SeedGenerator
        In the model's own order, one for each layer that draws.

    Raises
    ------
    ValueError
        If two layers have the same name: they would draw the same mask.
    """
    found: dict[str, keras.random.SeedGenerator] = {}
    for outer in model.layers:
        for layer in outer._flatten_layers():
            if generator := getattr(layer, "seed_generator", None):
                name = outer.name if layer is outer else f"{outer.name}/{layer.name}"
                if name in found:
                    raise ValueError(f"two layers that draw random numbers are called {name}: give each its own name.")
                found[name] = generator
    return found


def module_parameters(model: keras.Model) -> dict[str, int]:
    """Count the parameters of each module: the first part of the weights' names.

    Returns
    -------
    dict of str to int
        In the model's order; the values add up to ``model.count_params()``.
    """
    counts: Counter[str] = Counter()
    for name, variable in named_weights(model).items():
        counts[name.split("/", 1)[0]] += int(keras.ops.size(variable))
    return dict(counts)


def check_removal(ablation: str, model: keras.Model, reference: keras.Model) -> None:
    """Refuse a removal that changed nothing.

    A module need not have parameters (dropout, pooling, a residual connection): the graph alone decides.

    Parameters
    ----------
    ablation : str
        What was asked for; ``none`` always passes.
    model, reference : keras.Model
        The model with the removal, and the one built with ``ablation=none``.

    Raises
    ------
    RemovalError
        If both have the same graph.
    """
    if canonical_ablation(ablation) != "none" and _graph(model) == _graph(reference):
        raise RemovalError(f"ablation={ablation} left the model's graph as it was: the removal is not wired in.")


def _graph(model: keras.Model) -> str:
    config = model.get_config() | {"name": ""}
    return json.dumps(config, sort_keys=True, default=str)
