"""The published numbers of twelve models, reached by running each as training runs it: in one `tf.function`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from plb_ablate.models.inspection import named_weights
from plb_ablate.models.plb.loss import PublishedLoss, smooth
from plb_ablate.models.plb.network import build_model

MODELS = [
    (ablation, classes)
    for ablation in ("none", "dwscnn", "cbam", "sa", "routing", "spa_published")
    for classes in (7, 4)
]
COUNTS = {"none": 95_288, "dwscnn": 69_688, "cbam": 90_994, "sa": 95_160, "routing": 70_712, "spa_published": 93_770}


@dataclass
class Run:
    """What one model did, and the golden file it is compared with."""

    ablation: str
    classes: int
    model: keras.Model
    golden: dict[str, Any]
    inference: Any
    training: Any
    norms: dict[str, float]
    losses: list[float]
    after: Any


def run(golden: dict[str, Any], ablation: str, classes: int) -> Run:
    """Train 12 steps from the golden weights without dropout; the first step is the golden gradient's, too."""
    model = build_model(classes, ablation)
    for layer in model._flatten_layers():
        if hasattr(layer, "rate"):
            layer.rate = 0.0
    for name, variable in named_weights(model).items():
        variable.assign(golden[f"w:{name}"])
    inputs = golden["inputs"][..., None]
    targets = smooth(np.eye(classes, dtype=np.float32)[golden["labels"]], 0.1)
    loss = PublishedLoss()
    optimizer = keras.optimizers.Adam(1e-3, 0.975, 0.932, 1e-8)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            probabilities = model(x, training=True)
            value = loss(y, probabilities)
        slopes = tape.gradient(value, model.trainable_variables)
        optimizer.apply(slopes, model.trainable_variables)
        return probabilities, value, [tf.norm(slope) for slope in slopes]

    inference = model(inputs[:8], training=False).numpy()
    rows = [slice(16 * (i % 3), 16 * (i % 3) + 16) for i in range(12)]
    steps = [step(inputs[some], targets[some]) for some in rows]
    names = [variable.path for variable in model.trainable_variables]
    return Run(
        ablation,
        classes,
        model=model,
        golden=golden,
        inference=inference,
        training=steps[0][0].numpy(),
        norms={name: float(norm) for name, norm in zip(names, steps[0][2], strict=True)},
        losses=[float(value) for _, value, _ in steps],
        after=model(inputs[:8], training=False).numpy(),
    )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            model,
            id="_".join(map(str, model)),
            marks=[pytest.mark.slow] if model[1] == 4 else [],
        )
        for model in MODELS
    ],
)
def trained(request: pytest.FixtureRequest, shared: Path) -> Iterator[Run]:
    ablation, classes = request.param
    with np.load(shared / "golden" / f"{ablation}_{classes}.npz") as file:
        golden = dict(file)
    yield run(golden, ablation, classes)
    keras.utils.clear_session()


def test_names_and_shapes_are_those_of_the_file(trained: Run) -> None:
    expected = {name[2:]: value.shape for name, value in trained.golden.items() if name.startswith("w:")}
    assert {name: tuple(value.shape) for name, value in named_weights(trained.model).items()} == expected


def test_count_is_the_published_one(trained: Run) -> None:
    assert trained.model.count_params() == COUNTS[trained.ablation] - 65 * (7 - trained.classes)


def test_inference(trained: Run) -> None:
    assert_allclose(trained.inference, trained.golden["p_inference"], rtol=0, atol=1e-6)


def test_training_mode(trained: Run) -> None:
    assert_allclose(trained.training, trained.golden["p_training"], rtol=0, atol=1e-5)
    assert_allclose(trained.losses[0], trained.golden["loss"], rtol=0, atol=1e-6)


def test_gradient_norms(trained: Run) -> None:
    """Within 1e-3 relative, and 1e-6 absolute for norms that are themselves almost nothing.

    The gate's ``bn/beta`` and ``bn/gamma`` are sums over up to 1.5 million terms that nearly cancel. The golden
    model summed them one by one in float32 (TensorFlow's fused kernel), which leaves up to 3e-7: 0.6 % of a norm
    of 5e-5. Plain Keras layers are as far from the golden value; a float64 run agrees with ours to 1e-5.
    """
    names = [str(name) for name in trained.golden["grad_norm_names"]]
    assert set(names) == set(trained.norms)
    ours = np.array([trained.norms[name] for name in names])
    assert_allclose(ours, trained.golden["grad_norms"], rtol=1e-3, atol=1e-6)


def test_losses_of_twelve_steps(trained: Run) -> None:
    assert_allclose(trained.losses, trained.golden["losses"], rtol=0, atol=1e-4)


def test_inference_after_twelve_steps(trained: Run) -> None:
    assert_allclose(trained.after, trained.golden["p_after"], rtol=0, atol=1e-3)
