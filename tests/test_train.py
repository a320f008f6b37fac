"""The trainer: schedule, determinism, going on from a state, scores of every epoch."""

import copy

import numpy as np
import pytest
import tensorflow as tf

from plb_ablate.config import Trainer
from plb_ablate.errors import RemovalError
from plb_ablate.folds import Fold
from plb_ablate.metrics import published_score, wa
from plb_ablate.protocol import Protocol
from plb_ablate.train import FoldTrainer, learning_rate
from plb_ablate.training_state import TrainingState

EPOCHS = 3
PROTOCOL = Protocol("nested")
FOLD = Fold(0, np.arange(12), np.arange(12, 16), np.arange(16, 22))


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(22) % 3
    return (random.normal(0, 20, (22, 196, 39)) + 15 * labels[:, None, None]).astype("float32"), labels


@pytest.fixture(scope="module")
def trainer() -> FoldTrainer:
    tf.config.experimental.enable_op_determinism()
    return FoldTrainer(3, "sa+spa", "coefficient", Trainer(name="test", epochs=EPOCHS, batch_size=5, bn_momentum=0.5))


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
    fresh, traces = FoldTrainer(3, "sa+spa", "coefficient", Trainer(name="test", epochs=2, batch_size=5)), []
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
    later = FoldTrainer(3, "sa+spa", "coefficient", trainer.trainer)
    assert same(later.fit_fold(*data, FOLD, PROTOCOL, seed=1), states[-1])


def test_variants_start_from_the_same_weights_where_they_share_modules(trainer: FoldTrainer) -> None:
    full = FoldTrainer(3, "none", "coefficient", trainer.trainer)
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
        + ["train/loss", "train/accuracy"],
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
    trainer.model.load_weights(file)
    predicted = trainer.predict(data[0][FOLD.test][..., None])
    assert np.array_equal(predicted, states[-1].probabilities["best_validation"])


def test_dropout_and_smoothing_act_in_training_only(trainer: FoldTrainer, data: tuple[np.ndarray, np.ndarray]) -> None:
    x = data[0][:4, ..., None]
    assert np.array_equal(trainer.predict(x), trainer.predict(x))
    noisy = [trainer.model(x, training=True).numpy() for _ in range(2)]
    assert not np.array_equal(*noisy)


def test_a_removal_that_changes_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from plb_ablate import train
    from plb_ablate.model import build_model

    monkeypatch.setattr(train, "build_model", lambda classes, ablation, *rest, **named: build_model(classes, "none"))
    with pytest.raises(RemovalError, match="cbam"):
        FoldTrainer(3, "cbam", "coefficient", Trainer())


def test_a_damaged_state_is_refused(tmp_path_factory: pytest.TempPathFactory, states: list[TrainingState]) -> None:
    file = tmp_path_factory.mktemp("state") / "state.npz"
    states[0].save(file)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(Exception, match=r".+"):
        TrainingState.load(file)
