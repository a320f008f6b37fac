"""The network on inputs of other shapes: fast layers against the plain port, and the least size."""

import numpy as np
import pytest

from plb_ablate.config.trainer import Trainer
from plb_ablate.core.errors import ConfigError
from plb_ablate.models.family import Network
from plb_ablate.models.plb.family import PLB
from plb_ablate.models.plb.input_size import LEAST_SIZE, check_input_shape
from plb_ablate.models.plb.network import build_model
from plb_ablate.training.trainer import FoldTrainer
from tests.models.test_plain_port import compare

SINGLE = [name for name in PLB.networks if "+" not in name]
QUICKLY = ("none", "routing")


@pytest.mark.parametrize(
    "ablation", [name if name in QUICKLY else pytest.param(name, marks=pytest.mark.slow) for name in SINGLE]
)
def test_every_variant_on_a_small_odd_input_is_the_plain_one(ablation: str) -> None:
    compare(ablation, shape=(31, 33, 1), streams=1e-2)


SLOWLY = [(30, 30, 1), (98, 30, 1), (40, 101, 1), (47, 32, 1), (391, 40, 1)]


@pytest.mark.parametrize("shape", [(63, 64, 1), *(pytest.param(shape, marks=pytest.mark.slow) for shape in SLOWLY)])
def test_any_shape_gives_the_gradients_of_the_plain_port(shape: tuple[int, int, int]) -> None:
    compare("none", shape=shape, streams=1e-2)


@pytest.mark.slow
def test_time_is_reversed_in_other_shapes() -> None:
    compare("none", "time", (45, 34, 1), streams=1e-2)


@pytest.mark.parametrize("shape", [(29, 39, 1), (196, 29, 1), (98, 20, 1)])
@pytest.mark.parametrize("ablation", ["none", "dwscnn"])
def test_what_would_be_pooled_to_nothing_is_refused(shape: tuple[int, int, int], ablation: str) -> None:
    said = rf"features of {shape[0]} frames x {shape[1]} .* needs {LEAST_SIZE} x {LEAST_SIZE} or more"
    with pytest.raises(ConfigError, match=said):
        build_model(4, ablation, input_shape=shape)
    with pytest.raises(ConfigError, match=said):
        check_input_shape(shape)


def test_the_least_size_is_the_least() -> None:
    last = {layer.name: layer for layer in build_model(4, input_shape=(LEAST_SIZE, LEAST_SIZE, 1)).layers}["dwscnn"]
    assert last.output.shape == (None, 1, 1, 384)


def test_a_trainer_takes_the_shape_of_its_features() -> None:
    trainer = FoldTrainer(Network(PLB, 4, (31, 40, 1), "cbam"), Trainer(epochs=1))
    assert trainer.predict(np.zeros((2, 31, 40, 1), np.float32)).shape == (2, 4)
