"""The Pattern Learning Block network and its ablation variants: one builder with named layers.

Source: the model and the released code of the published study; layers have the names used in the parameter tables.
Kim et al., A Light-weight Model for Speech Emotion Recognition based on Pattern Learning Block.
"""

from typing import Any

import keras
from keras import layers

from plb_ablate.core.errors import ConfigError
from plb_ablate.models.build_settings import Shape, check_classes
from plb_ablate.models.plb.family import PLB
from plb_ablate.models.plb.input_size import check_input_shape
from plb_ablate.models.plb.layers import (
    CBAM,
    DWSCNN,
    ConvBlock,
    DynamicRouting,
    Reverse,
    ScaledAttention,
    SpatialGate,
    ToCapsules,
    UniformAttention,
)

__all__ = ["INPUT_SHAPE", "REVERSE_AXIS", "build_model"]

INPUT_SHAPE: Shape = (196, 39, 1)
"""Published input: frames, MFCC coefficients, one channel."""

REVERSE_AXIS = {"coefficient": 2, "time": 1}
"""Values of ``reverse=``: the axis along which the input of the backward stream is reversed."""

_STREAMS = {"spa_published": ("backward",), "backward_only": ("backward",), "forward_only": ("forward",)}
_BOTH_STREAMS = ("forward", "backward")


def build_model(
    num_classes: int,
    ablation: str = "none",
    reverse: str = "coefficient",
    *,
    input_shape: Shape = INPUT_SHAPE,
    bn_momentum: float = 0.99,
    precision: str = "float32",
) -> keras.Model:
    """Build the network or one of its ablation variants.

    Parameters
    ----------
    num_classes : int
        Number of emotions, at least 2.
    ablation : str
        ``none``, removed modules joined by ``+``, or a named variant; see `plb_ablate.models.family`.
    reverse : {"coefficient", "time"}
        Axis along which the input of the backward stream is reversed. The published scores come from ``coefficient``;
        the text of the paper describes ``time``.
    input_shape : tuple of int
        Frames, coefficients or bands, and 1; at least 30 x 30 (`plb_ablate.models.plb.input_size`).
    bn_momentum : float
        Momentum of the moving statistics of batch normalisation. The published value is chosen for 300 epochs; short
        trainings need a smaller one, or inference uses statistics that are still close to their initial values.
    precision : {"float32", "bfloat16"}
        Precision of the large products in training (dilated convolution, pointwise convolution, self-attention);
        weights, sums, normalisations and inference always use float32.

    Returns
    -------
    keras.Model
        float32 (batch, *input_shape) -> class probabilities, float32 (batch, num_classes).

    Raises
    ------
    ConfigError
        If a name is unknown, `num_classes` is less than 2, or the input is too small.
    """
    name = PLB.canonical(ablation)
    if reverse not in REVERSE_AXIS:
        raise ConfigError(f"reverse={reverse} is unknown. Use one of {', '.join(REVERSE_AXIS)}.")
    check_classes(num_classes)
    check_input_shape(input_shape)
    undilated = name == "routing_undilated"
    removed, frozen = PLB.removed(name) | ({"routing"} if undilated else set()), PLB.frozen(name)
    streams = _STREAMS.get(name, _BOTH_STREAMS)

    # ------------------------------------------------------------------ layers
    blocks = {stream: ConvBlock(momentum=bn_momentum, name=stream) for stream in streams}
    dilated = ConvBlock(dilation=2, momentum=bn_momentum, precision=precision, name="dilated")
    cbam = _identity if "cbam" in removed else CBAM(constant="cbam" in frozen, name="cbam")
    attention = ScaledAttention(precision, name="attention")
    gated = "spa" not in removed and name != "spa_published"
    capsule_gate = _CapsuleGate(constant="spa" in frozen) if gated else _identity
    attend = UniformAttention(name="uniform_attention") if "sa" in frozen else attention

    # ------------------------------------------------------------------ functional model
    inputs = keras.Input(input_shape, name="mfcc")
    views = {"forward": inputs, "backward": inputs}
    if "backward" in streams:
        views["backward"] = Reverse(REVERSE_AXIS[reverse], name="reverse")(inputs)
    encoded = [cbam(blocks[stream](views[stream])) for stream in streams]
    x = encoded[0]
    if len(encoded) == 2:
        x = layers.Add(name="cross_attention")([x, attention(x, encoded[1])])
    x = cbam(dilated(x))
    if "dwscnn" not in removed:
        x = DWSCNN(dilation=1 if undilated else 2, precision=precision, name="dwscnn")(x)
    x = ToCapsules(name="capsules")(x)
    if "dwscnn" not in removed:
        x = capsule_gate(x)
    if "sa" not in removed:
        attended = layers.LayerNormalization(name="layer_norm")(attend(x))
        x = capsule_gate(layers.Multiply(name="self_attention")([attended, x]))
    if "routing" not in removed:
        x = DynamicRouting(iterations=1 if "routing" in frozen else 3, name="routing")(x)
    x = layers.GlobalAveragePooling1D(name="capsule_mean")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    outputs = layers.Dense(num_classes, activation="softmax", name="classifier")(x)
    return keras.Model(inputs, outputs, name="plb_" + name.replace("+", "_"))


class _CapsuleGate:
    """``x + SpatialGate(x)`` on capsules as an image (n, dimension, 1); one gate, applied once or twice."""

    def __init__(self, constant: bool) -> None:
        self.gate = SpatialGate(constant=constant, name="capsule_gate")
        self.uses = 0

    def __call__(self, x: Any) -> Any:
        self.uses += 1
        image = layers.Reshape((*x.shape[1:], 1), name=f"capsule_image_{self.uses}")(x)
        gated = layers.Reshape(x.shape[1:], name=f"gated_capsules_{self.uses}")(self.gate(image))
        return layers.Add(name=f"capsule_residual_{self.uses}")([x, gated])


def _identity(x: Any) -> Any:
    return x
