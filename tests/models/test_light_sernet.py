"""LIGHT-SERNET: its counts, its removals, and what the audit of removals expects of them."""

from itertools import combinations

import keras
import numpy as np
import pytest
import tensorflow as tf

from plb_ablate.core.errors import ConfigError
from plb_ablate.models.family import BuildSettings, Network
from plb_ablate.models.inspection import graph, module_parameters, named_weights
from plb_ablate.models.light_sernet.family import LIGHT_SERNET

SHAPE = (196, 39, 1)


def built(ablation: str = "none", classes: int = 7) -> keras.Model:
    return Network(LIGHT_SERNET, classes, SHAPE, ablation).build()


def test_it_has_the_parameters_of_its_paper() -> None:
    assert built().count_params() == 463_431


def test_every_combination_is_a_network_and_lacks_what_the_audit_expects() -> None:
    full, graphs = module_parameters(built()), set()
    names = ["none", *("+".join(some) for size in (1, 2, 3) for some in combinations(LIGHT_SERNET.modules, size))]
    for name in names:
        counts = module_parameters(model := built(name))
        taken = {part: full[part] - counts.get(part, 0) for part in full}
        assert LIGHT_SERNET.expected_loss is not None
        assert {part: n for part, n in taken.items() if n} == (
            LIGHT_SERNET.expected_loss(name, full) if name != "none" else {}
        )
        graphs.add(graph(model))
    assert len(graphs) == len(names) == len(LIGHT_SERNET.networks) == 8


def test_the_five_kernels_after_the_paths_are_regularised_and_no_other_weight() -> None:
    model = built()
    weights = named_weights(model)
    kernels = [weights[f"{name}/kernel"] for name in ("body_1", "body_2", "body_3", "body_4", "top")]
    assert float(tf.add_n(model.losses)) == pytest.approx(1e-6 * sum(float(tf.reduce_sum(k**2)) for k in kernels))
    assert all(f"{name}/bias" not in weights for name in ("body_1", "top"))
    assert weights["time/kernel"].shape == (11, 1, 1, 32)
    assert weights["frequency/kernel"].shape == (1, 9, 1, 32)


def test_outputs_are_probabilities_and_the_momentum_is_a_setting() -> None:
    model = LIGHT_SERNET.build(4, (40, 20, 1), "none", BuildSettings(bn_momentum=0.5))
    outputs = model(np.random.default_rng(0).standard_normal((3, 40, 20, 1)).astype("float32"))
    assert np.allclose(np.sum(outputs, axis=1), 1, atol=1e-6)
    assert model.get_layer("top_norm").momentum == 0.5
    with pytest.raises(ConfigError, match="num_classes=1"):
        LIGHT_SERNET.build(1, SHAPE, "none", BuildSettings())
