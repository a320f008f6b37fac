"""The same network in standard Keras layers and plain formulas: the reference for the fast layers.

It is not optimised: the routing computes every prediction vector, the gates convolve two maps, the attention is three
products, and TensorFlow derives every gradient.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from plb_ablate.models.plb.family import PLB

__all__ = ["plain_model", "plain_weights"]


def plain_model(
    num_classes: int,
    ablation: str = "none",
    reverse: str = "coefficient",
    input_shape: tuple[int, int, int] = (196, 39, 1),
) -> keras.Model:
    """Build the same network as `plb_ablate.models.plb.network.build_model`."""
    undilated = ablation == "routing_undilated"
    removed = PLB.removed(ablation) | ({"routing"} if undilated else set())
    one_stream = {"spa_published": "backward", "backward_only": "backward", "forward_only": "forward"}.get(ablation)
    streams = [one_stream] if one_stream else ["forward", "backward"]
    attention, cbam, capsule_gate = Attention(name="attention"), Cbam(name="cbam"), SpatialGate(name="capsule_gate")

    def apply_cbam(x: Any) -> Any:
        return x if "cbam" in removed else x + cbam(x)

    def apply_capsule_gate(x: Any) -> Any:
        if "spa" in removed or ablation == "spa_published":
            return x
        return x + capsule_gate(x[..., None])[..., 0]

    inputs = keras.Input(input_shape)
    views = {"forward": inputs, "backward": ops.flip(inputs, axis={"coefficient": 2, "time": 1}[reverse])}
    encoded = [apply_cbam(conv_block(stream)(views[stream])) for stream in streams]
    x = encoded[0] if one_stream else encoded[0] + attention(*encoded)
    x = apply_cbam(conv_block("dilated", dilation=2)(x))
    if "dwscnn" not in removed:
        x = layers.DepthwiseConv2D(3, dilation_rate=1 if undilated else 2, name="dwscnn.depthwise")(x)
        x = layers.Conv2D(384, 1, name="dwscnn.pointwise")(x)
    x = squash(ops.reshape(x, (-1, x.shape[1] * x.shape[2] * x.shape[3] // 64, 64)))
    if "dwscnn" not in removed:
        x = apply_capsule_gate(x)
    if "sa" not in removed:
        x = apply_capsule_gate(layers.LayerNormalization(name="layer_norm")(attention(x, x)) * x)
    if "routing" not in removed:
        x = Routing(name="routing")(x)
    x = layers.Dropout(0.2)(ops.mean(x, axis=1))
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax", name="classifier")(x))


def plain_weights(model: keras.Model) -> dict[str, keras.Variable]:
    """Return the weights by their public names, as `plb_ablate.models.plb.network.named_weights` does."""
    return {variable.path.replace(".", "/"): variable for variable in model.weights}


def squash(x: Any) -> Any:
    squared = ops.sum(x**2, axis=-1, keepdims=True)
    return x * squared / (1 + squared) / ops.sqrt(squared + 1e-7)


def conv_block(name: str, dilation: int = 1) -> Callable[[Any], Any]:
    stages = [
        layers.Conv2D(64, 3, dilation_rate=dilation, name=f"{name}.conv"),
        layers.BatchNormalization(axis=1, name=f"{name}.bn"),
        layers.ELU(),
        layers.AveragePooling2D(2),
        layers.SpatialDropout2D(0.2),
    ]

    def apply(x: Any) -> Any:
        for stage in stages:
            x = stage(x)
        return x

    return apply


class Attention(layers.Layer):
    def build(self, *shapes: Any) -> None:
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    def call(self, query: Any, value: Any) -> Any:
        scores = self.scale * ops.matmul(query, ops.swapaxes(value, -1, -2))
        return ops.matmul(ops.softmax(scores), value)


class SpatialGate(layers.Layer):
    def build(self, shape: Any) -> None:
        self.conv = layers.Conv2D(1, 7, padding="same", use_bias=False, name="conv")
        self.bn = layers.BatchNormalization(momentum=0.01, epsilon=1e-5, name="bn")
        self.conv.build((*shape[:-1], 2))
        self.bn.build((*shape[:-1], 1))

    def call(self, x: Any, training: bool | None = None) -> Any:
        maps = ops.concatenate([ops.mean(x, axis=-1, keepdims=True), ops.max(x, axis=-1, keepdims=True)], axis=-1)
        return x * ops.sigmoid(ops.relu(self.bn(self.conv(maps), training=training)))


class Cbam(layers.Layer):
    """Both gates one after the other, without the residual."""

    def build(self, shape: Any) -> None:
        self.channel, self.spatial = ChannelGate(name="channel"), SpatialGate(name="spatial")
        self.channel.build(shape)
        self.spatial.build(shape)

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.spatial(self.channel(x), training=training)


class ChannelGate(layers.Layer):
    def build(self, shape: Any) -> None:
        self.squeeze = layers.Dense(32, activation="relu", name="squeeze")
        self.excite = layers.Dense(64, name="excite")
        self.squeeze.build((None, 64))
        self.excite.build((None, 32))

    def call(self, x: Any) -> Any:
        mean, maximum = (self.excite(self.squeeze(pool(x, axis=(1, 2), keepdims=True))) for pool in (ops.mean, ops.max))
        return x * ops.sigmoid(mean + maximum)


class Routing(layers.Layer):
    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(1, 64, 6 * 64), initializer="glorot_uniform")

    def call(self, x: Any) -> Any:
        predictions = ops.reshape(ops.matmul(x, self.kernel[0]), (-1, x.shape[1], 6, 64))
        logits = ops.zeros_like(predictions[..., 0])
        for iteration in range(3):
            outputs = ops.sum(ops.softmax(logits, axis=-1)[..., None] * predictions, axis=1)
            if iteration < 2:
                direction = ops.normalize(outputs, axis=-1, epsilon=1e-12)
                logits = ops.sum(direction[:, None] * predictions, axis=-1)
        return squash(outputs)
