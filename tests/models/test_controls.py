"""Controls: all parameters of a module stay, and what it does no longer depends on the input."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from plb_ablate.core.errors import ConfigError
from plb_ablate.models.family import Network
from plb_ablate.models.inspection import check_removal, module_parameters, named_weights, random_generators
from plb_ablate.models.plb.family import PLB
from plb_ablate.models.plb.layers import CBAM, SpatialGate, UniformAttention

SHAPE = (98, 39, 1)


def built(ablation: str) -> keras.Model:
    return Network(PLB, 4, SHAPE, ablation).build()


def features(seed: int, n: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 10, (n, *SHAPE)).astype("float32")


@pytest.mark.parametrize("control", PLB.controls)
def test_every_parameter_stays_and_the_network_changes(control: str) -> None:
    whole, frozen = built("none"), built(control)
    assert module_parameters(frozen) == module_parameters(whole)
    check_removal(control, frozen, whole)
    assert PLB.expected_loss is not None
    assert PLB.expected_loss(control, module_parameters(whole)) == {}


@pytest.mark.parametrize("layer", [CBAM(constant=True), SpatialGate(constant=True)])
@pytest.mark.parametrize("training", [False, True])
def test_a_constant_gate_weighs_every_input_alike(layer: keras.layers.Layer, training: bool) -> None:
    x, y = (np.random.default_rng(seed).uniform(1, 2, (2, 6, 5, 4)).astype("float32") for seed in (1, 2))
    layer(x)
    for weight in layer.trainable_weights:
        weight.assign(np.random.default_rng(3).normal(size=weight.shape))
    gates = [layer(inputs, training=training) / inputs for inputs in (x, y)]
    np.testing.assert_allclose(gates[0], gates[1], rtol=1e-5)
    assert np.ptp(gates[0]) > 1e-3


def test_uniform_attention_is_attention_with_a_scale_of_zero() -> None:
    x = np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32")
    np.testing.assert_allclose(UniformAttention()(x), np.broadcast_to(x.mean(1, keepdims=True), x.shape), rtol=1e-5)


def same_for_all_capsules(kernel: np.ndarray) -> np.ndarray:
    return np.tile(kernel[..., :64], 6)


STILL: dict[str, dict[str, Callable[[np.ndarray], np.ndarray]]] = {
    "cbam_constant": {"cbam/channel/excite/kernel": np.zeros_like, "cbam/spatial/conv/kernel": np.zeros_like},
    "spa_constant": {"capsule_gate/conv/kernel": np.zeros_like},
    "sa_constant": {"attention/scale": np.zeros_like},
    "routing_constant": {"routing/kernel": same_for_all_capsules},
}
"""Weights with which a module is constant anyway."""


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("control", STILL)
def test_control_and_module_agree_where_the_module_is_constant_anyway(control: str, training: bool) -> None:
    """And they differ with other weights."""
    whole, frozen = built("none"), built(control)
    weights = named_weights(whole)
    for name, weight in weights.items():
        named_weights(frozen)[name].assign(weight)
    x = features(5)

    def outputs() -> list[np.ndarray]:
        for model in (whole, frozen):
            for generator in random_generators(model).values():
                generator.state.assign([1, 0])
        return [np.array(model(x, training=training)) for model in (whole, frozen)]

    ours, theirs = outputs()
    assert np.abs(ours - theirs).max() > 1e-6
    for name, change in STILL[control].items():
        for model in (whole, frozen):
            named_weights(model)[name].assign(change(np.array(weights[name])))
    ours, theirs = outputs()
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_controls_combine_like_removals() -> None:
    assert PLB.canonical("routing_constant+cbam") == "cbam+routing_constant"
    assert PLB.removed("cbam+routing_constant") == {"cbam"}
    assert PLB.frozen("cbam+routing_constant") == {"routing"}
    assert PLB.same_network("sa+spa_constant+dwscnn") == "dwscnn+sa"
    assert PLB.network_names("cbam_constant") == ("cbam_constant",)
    with pytest.raises(ConfigError, match=r"ablation=cbam\+cbam_constant is unknown"):
        PLB.canonical("cbam+cbam_constant")
    both = built("cbam+routing_constant")
    assert module_parameters(both) == module_parameters(built("cbam"))
