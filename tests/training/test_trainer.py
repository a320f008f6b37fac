"""The trainer: schedule, determinism, going on from a state, scores of every epoch."""

import copy
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from plb_ablate.config.protocol import Protocol
from plb_ablate.config.trainer import Trainer
from plb_ablate.core.errors import DivergenceError, RemovalError
from plb_ablate.models.family import Network
from plb_ablate.models.inspection import named_weights, random_generators
from plb_ablate.models.plb.family import PLB
from plb_ablate.models.plb.network import INPUT_SHAPE, build_model
from plb_ablate.splits.folds import Fold
from plb_ablate.training.checkpoint import TrainingState
from plb_ablate.training.metrics import published_score, wa
from plb_ablate.training.setup import TRAINING_CURVES, learning_rate, seed_dropout
from plb_ablate.training.trainer import FoldTrainer

EPOCHS = 3
PROTOCOL = Protocol("nested")
FOLD = Fold(0, np.arange(12), np.arange(12, 16), np.arange(16, 22))


def network(num_classes: int, ablation: str) -> Network:
    return Network(PLB, num_classes, INPUT_SHAPE, ablation)


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(22) % 3
    return (random.normal(0, 20, (22, 196, 39)) + 15 * labels[:, None, None]).astype("float32"), labels


@pytest.fixture(scope="module")
def trainer() -> FoldTrainer:
    tf.config.experimental.enable_op_determinism()
    return FoldTrainer(network(3, "sa+spa"), Trainer(name="test", epochs=EPOCHS, batch_size=5, bn_momentum=0.5))


@pytest.fixture(scope="module")
def states(trainer: FoldTrainer, data: tuple[np.ndarray, np.ndarray]) -> list[TrainingState]:
    """The state after every epoch of one training."""
    kept: list[TrainingState] = []
    trainer.fit_fold(*data, FOLD, PROTOCOL, seed=1, on_epoch=lambda state: kept.append(copy.deepcopy(state)))
    return kept


def same(one: TrainingState, other: TrainingState) -> bool:
    arrays = zip(one.variables, other.variables, strict=True)
    return (
        all(np.array_equal(a, b) for a, b in arrays)
        and one.history == other.history
        and one.best == other.best
        and all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)
        and all(np.array_equal(one.probabilities[rule], other.probabilities[rule]) for rule in one.best)
        and all(np.array_equal(one.predicted[side], other.predicted[side]) for side in one.predicted)
    )


def test_learning_rate_falls_first_after_epoch_60() -> None:
    published = Trainer()
    assert learning_rate(published, 60) == pytest.approx(1e-3)
    assert learning_rate(published, 61) == pytest.approx(1e-3 * np.exp(-0.15))
    assert learning_rate(published, 80) == pytest.approx(1e-3 * np.exp(-0.15))
    assert learning_rate(published, 81) == pytest.approx(1e-3 * np.exp(-0.30))
    assert learning_rate(published, 299) == pytest.approx(1e-3 * np.exp(-0.15 * 12))


def test_the_same_training_gives_the_same_bits(
    trainer: FoldTrainer, data: tuple[np.ndarray, np.ndarray], states: list[TrainingState]
) -> None:
    again = trainer.fit_fold(*data, FOLD, PROTOCOL, seed=1)
    assert same(again, states[-1])


def test_a_variant_is_traced_once_for_all_epochs_folds_and_seeds(data: tuple[np.ndarray, np.ndarray]) -> None:
    fresh, traces = FoldTrainer(network(3, "sa+spa"), Trainer(name="test", epochs=2, batch_size=5)), []
    step = fresh.model.train_step

    def traced(batch: object) -> object:
        traces.append(batch)
        return step(batch)

    fresh.model.train_step = traced
    larger = Fold(1, np.arange(14), np.arange(14, 17), np.arange(17, 22))
    for fold, seed in ((FOLD, 1), (larger, 1), (FOLD, 2)):
        fresh.fit_fold(*data, fold, PROTOCOL, seed=seed)
    assert len(traces) == 1
    assert fresh._infer.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("epoch", range(1, EPOCHS))
def test_a_training_goes_on_from_any_epoch_as_if_uninterrupted(
    trainer: FoldTrainer,
    data: tuple[np.ndarray, np.ndarray],
    states: list[TrainingState],
    epoch: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = tmp_path_factory.mktemp("state") / "state.npz"
    states[epoch - 1].save(file)
    resumed = trainer.fit_fold(*data, FOLD, PROTOCOL, seed=1, resume=TrainingState.load(file))
    assert same(resumed, states[-1])


def test_seed_and_fold_decide_weights_and_order(
    trainer: FoldTrainer, data: tuple[np.ndarray, np.ndarray], states: list[TrainingState]
) -> None:
    other_fold = Fold(1, FOLD.train, FOLD.validation, FOLD.test)
    for other in (
        trainer.fit_fold(*data, FOLD, PROTOCOL, seed=2),
        trainer.fit_fold(*data, other_fold, PROTOCOL, seed=1),
    ):
        assert other.history["train/loss"][0] != states[0].history["train/loss"][0]


def test_models_built_before_do_not_change_a_training(
    trainer: FoldTrainer, data: tuple[np.ndarray, np.ndarray], states: list[TrainingState]
) -> None:
    later = FoldTrainer(network(3, "sa+spa"), trainer.trainer)
    assert same(later.fit_fold(*data, FOLD, PROTOCOL, seed=1), states[-1])


def test_variants_start_from_the_same_weights_where_they_share_modules(trainer: FoldTrainer) -> None:
    full = FoldTrainer(network(3, "none"), trainer.trainer)
    trainer._restore(TrainingState(), 7, 3)
    full._restore(TrainingState(), 7, 3)
    shared = {v.path: v.numpy() for v in full.model.weights}
    assert all(np.array_equal(shared[v.path], v.numpy()) for v in trainer.model.weights)
    kernels = [v.numpy() for v in trainer.model.weights if v.path.endswith("kernel")]
    assert all(kernel.std() > 0 for kernel in kernels)


def test_every_epoch_is_scored_on_every_side(data: tuple[np.ndarray, np.ndarray], states: list[TrainingState]) -> None:
    final = states[-1]
    assert {name: len(curve) for name, curve in final.history.items()} == dict.fromkeys(
        [f"{side}/{name}" for side in ("test", "validation") for name in ("loss", "wa", "score")]
        + [f"train/{name}" for name in TRAINING_CURVES],
        EPOCHS,
    )
    labels = data[1][FOLD.test]
    for epoch, predicted in enumerate(final.predicted["test"]):
        assert final.history["test/wa"][epoch] == wa(labels, predicted)
        assert final.history["test/score"][epoch] == published_score(labels, predicted)


def test_rules_choose_their_epochs(states: list[TrainingState]) -> None:
    final = states[-1]
    assert final.best["best_test"] == int(np.argmax(final.history["test/score"]))
    assert final.best["best_validation"] == int(np.argmax(final.history["validation/wa"]))
    assert final.best["last"] == EPOCHS - 1
    for rule, probabilities in final.probabilities.items():
        assert np.array_equal(probabilities.argmax(1), final.predicted["test"][final.best[rule]])


def test_kept_weights_are_those_of_the_headline_epoch(
    trainer: FoldTrainer,
    data: tuple[np.ndarray, np.ndarray],
    states: list[TrainingState],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = tmp_path_factory.mktemp("weights") / "weights.weights.h5"
    trainer.save_weights(states[-1].weights, file)
    trainer._restore(TrainingState(), 9, 9)
    fresh = build_model(3, "sa+spa", bn_momentum=0.5)
    fresh.load_weights(file)
    for name, weight in named_weights(fresh).items():
        assert np.array_equal(weight, states[-1].weights[name]), name
        named_weights(trainer.model)[name].assign(weight)
    predicted = trainer.predict(data[0][FOLD.test][..., None])
    assert np.array_equal(predicted, states[-1].probabilities["best_validation"])


def test_the_file_of_weights_has_no_optimiser(
    trainer: FoldTrainer, states: list[TrainingState], tmp_path: Path
) -> None:
    file = tmp_path / "weights.weights.h5"
    trainer.save_weights(states[-1].weights, file)
    trainer.save_weights(states[-1].weights, tmp_path / "again.weights.h5")
    assert file.read_bytes() == (tmp_path / "again.weights.h5").read_bytes()
    with h5py.File(file) as stored:
        assert not any("optimizer" in name for name in stored)
    assert file.stat().st_size < 1.5 * sum(weight.nbytes for weight in states[-1].weights.values()) + 100_000


def test_dropout_and_smoothing_act_in_training_only(trainer: FoldTrainer, data: tuple[np.ndarray, np.ndarray]) -> None:
    x = data[0][:4, ..., None]
    assert np.array_equal(trainer.predict(x), trainer.predict(x))
    noisy = [trainer.model(x, training=True).numpy() for _ in range(2)]
    assert not np.array_equal(*noisy)


def test_curves_of_batches_weigh_a_short_last_batch_as_a_full_one(states: list[TrainingState]) -> None:
    history = states[-1].history
    for curve in ("loss", "accuracy"):
        assert history[f"train/batch_{curve}"] != history[f"train/{curve}"]  # the last of the batches holds two of 12


def test_a_single_batch_is_its_own_mean(data: tuple[np.ndarray, np.ndarray]) -> None:
    one = FoldTrainer(network(3, "sa+spa"), Trainer(name="test", epochs=1, batch_size=12))
    history = one.fit_fold(*data, FOLD, PROTOCOL, seed=1).history
    for curve in ("loss", "accuracy"):
        assert history[f"train/batch_{curve}"] == pytest.approx(history[f"train/{curve}"], rel=1e-6)


def test_every_dropout_layer_of_a_training_draws_its_own_masks(data: tuple[np.ndarray, np.ndarray]) -> None:
    """Seen in the training itself, with dropout on: which channels each layer drops at each step."""
    noted: dict[str, list[np.ndarray]] = {}
    fresh = FoldTrainer(network(3, "none"), Trainer(name="test", epochs=2, batch_size=6))
    for name, layer in dropout_layers(fresh.model).items():
        layer.call = noting(layer.call, noted.setdefault(name, []))
    fresh.fit_fold(*data, FOLD, PROTOCOL, seed=1)
    assert set(noted) == {"forward/dropout", "backward/dropout", "dilated/dropout", "dropout"}
    steps = [[masks[step] for masks in noted.values()] for step in range(4)]
    assert all(len(masks) == 4 for masks in noted.values())
    for masks in steps:
        assert all(agreement(a, b) == pytest.approx(0.68, abs=0.1) for a, b in combinations(masks, 2))
    for layer in zip(*steps, strict=True):
        assert all(agreement(a, b) == pytest.approx(0.68, abs=0.1) for a, b in combinations(layer, 2))


def test_a_training_that_diverges_ends_with_its_epoch_and_the_last_finite_state(
    data: tuple[np.ndarray, np.ndarray], states: list[TrainingState]
) -> None:
    """The learning rate explodes in the third epoch, so that two finite states are kept."""
    settings = Trainer("test", EPOCHS, 5, bn_momentum=0.5, decay_from=0, decay_every=2, decay=-80.0)
    broken = FoldTrainer(network(3, "sa+spa"), settings)
    kept: list[TrainingState] = []
    with pytest.raises(DivergenceError, match=r"epoch 2 of 3: .*weights not finite.*after epoch 1 is the last finite"):
        broken.fit_fold(*data, FOLD, PROTOCOL, seed=1, on_epoch=lambda state: kept.append(copy.deepcopy(state)))
    assert [state.epoch for state in kept] == [1]
    assert same(kept[0], states[0])
    assert not kept[0].not_finite


def dropout_layers(model: keras.Model) -> dict[str, Any]:
    generators = {id(generator): name for name, generator in random_generators(model).items()}
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, "seed_generator")]
    return {generators[id(layer.seed_generator)]: layer for layer in layers}


def noting(call: Any, masks: list[np.ndarray]) -> Any:
    def noted(x: Any, training: Any = None) -> Any:
        y = call(x, training=training)
        if training:
            axes = list(range(1, len(y.shape) - 1))
            dropped = tf.reduce_all(tf.equal(y, 0.0), axis=axes)
            tf.py_function(lambda mask: masks.append(mask.numpy()), [dropped], [])
        return y

    return noted


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    return float((one == other).mean())


@pytest.mark.parametrize("ablation", [name for name in PLB.ablations if "+" not in name] + ["cbam+routing"])
def test_masks_of_any_two_layers_agree_as_often_as_chance(ablation: str) -> None:
    model = build_model(3, ablation)
    generators = random_generators(model)
    ones, drawn = tf.ones((256, 1, 1, 64)), []
    for epoch in range(2):
        seed_dropout(generators, 42, 3, epoch)
        for generator in generators.values():
            drawn += [keras.random.dropout(ones, 0.2, seed=generator).numpy() == 0 for _ in range(2)]
    assert len(drawn) == 4 * len(generators)
    assert all(mask.mean() == pytest.approx(0.2, abs=0.02) for mask in drawn)
    assert all(agreement(a, b) == pytest.approx(0.8**2 + 0.2**2, abs=0.02) for a, b in combinations(drawn, 2))


def test_layers_that_would_share_a_name_are_refused() -> None:
    layers = [keras.layers.Dropout(0.1, name="a"), keras.layers.Dropout(0.1, name="a")]
    block = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    block._flatten_layers = lambda: layers  # Keras itself refuses two layers of a name beside each other, not inside
    with pytest.raises(ValueError, match=r"have the name .*: give each layer its own name"):
        random_generators(keras.Sequential([keras.Input((4,)), block]))


def test_a_removal_that_changes_nothing_is_refused() -> None:
    lazy = replace(PLB, build=lambda classes, shape, ablation, settings: build_model(classes, "none"))
    with pytest.raises(RemovalError, match="cbam"):
        FoldTrainer(replace(network(3, "cbam"), family=lazy), Trainer())


def test_a_damaged_state_is_refused(tmp_path_factory: pytest.TempPathFactory, states: list[TrainingState]) -> None:
    file = tmp_path_factory.mktemp("state") / "state.npz"
    states[0].save(file)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(Exception, match=r".+"):
        TrainingState.load(file)
