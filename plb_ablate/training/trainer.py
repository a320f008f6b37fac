"""The trainer for all variants: Keras `fit` with the published optimiser and schedule, and scores after every epoch.

The trainer neither saves nor uploads anything: it passes its state to a callback after every epoch, and can resume from
such a state. Random draws depend on (seed, fold, epoch) only, so a resumed training ends with bit-identical weights.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from plb_ablate.config.protocol import Protocol
from plb_ablate.config.trainer import Trainer
from plb_ablate.core.errors import DivergenceError
from plb_ablate.core.seeding import derive_seed
from plb_ablate.models.family import WHOLE, Network
from plb_ablate.models.inference_function import inference_function
from plb_ablate.models.inspection import check_removal, module_parameters, named_weights, random_generators
from plb_ablate.models.plb.loss import smooth
from plb_ablate.splits.folds import Fold
from plb_ablate.training.checkpoint import TrainingState
from plb_ablate.training.metrics import published_score, wa
from plb_ablate.training.setup import TRAINING_CURVES, compile_for_training, learning_rate, seed_dropout

__all__ = ["FoldTrainer"]


Array = NDArray[Any]


class FoldTrainer:
    """Train one variant on any number of folds; the model is built and traced only once.

    Parameters
    ----------
    network : Network
        What is trained.
    trainer : Trainer
        Epochs, batch size, optimiser and schedule.

    Raises
    ------
    RemovalError
        If the ablation did not change the network.
    """

    def __init__(self, network: Network, trainer: Trainer) -> None:
        self.network, self.trainer = network, trainer
        reference = replace(network, ablation=WHOLE).build()
        self.model = network.build()
        self.generators = random_generators(self.model)
        for generator in self.generators.values():
            generator.name = "seed_generator"  # Keras numbers them per process and saves the name
        check_removal(network.ablation, self.model, reference)
        self.loss = compile_for_training(self.model, trainer)
        self.model.optimizer.build(self.model.trainable_variables)
        self._initial = [variable.numpy() for variable in self._variables]
        self._infer = inference_function(self.model)

    @property
    def parameters(self) -> dict[str, int]:
        """Number of parameters of each module of the model."""
        return module_parameters(self.model)

    @property
    def trainable(self) -> int:
        """Number of trainable parameters of the model."""
        return sum(int(np.prod(variable.shape)) for variable in self.model.trainable_variables)

    @property
    def _variables(self) -> list[keras.Variable]:
        return [*self.model.weights, *self.model.optimizer.variables]

    def fit_fold(
        self,
        features: Array,
        labels: Array,
        fold: Fold,
        protocol: Protocol,
        seed: int,
        *,
        resume: TrainingState | None = None,
        on_epoch: Callable[[TrainingState], None] = lambda state: None,
    ) -> TrainingState:
        """Train on the training split of a fold and score every epoch on its other splits.

        Parameters
        ----------
        features : float32 (n, frames, coefficients)
        labels : int (n,)
            Features and labels of the whole corpus, which `fold` indexes.
        fold : Fold
        protocol : Protocol
            Provides the rules that select an epoch.
        seed : int
            Determines, with the index of the fold and the epoch, the initial weights, shuffling and dropout.
        resume : TrainingState, optional
            State to resume from.
        on_epoch : callable
            Called with the state after every epoch.

        Returns
        -------
        TrainingState
            State after the last epoch.

        Raises
        ------
        DivergenceError
            If a loss, probability or weight is not finite after an epoch; `on_epoch` is not called for that epoch.
        """
        state = resume or TrainingState()
        self._restore(state, seed, fold.index)
        scored = {name: side for name, side in fold.sides.items() if name != "train"}
        sides = {name: (features[side][..., None], labels[side]) for name, side in scored.items()}
        targets = smooth(np.eye(self.network.num_classes, dtype=np.float32)[labels], self.trainer.label_smoothing)
        batch = min(self.trainer.batch_size, len(fold.train))
        self.model.fit(
            self._batches(features, targets, fold.train, batch, (seed, fold.index), state.epoch),
            steps_per_epoch=-(-len(fold.train) // batch),
            initial_epoch=state.epoch,
            epochs=self.trainer.epochs,
            callbacks=[_ScoreEpochs(self, state, sides, protocol, (seed, fold.index), on_epoch)],
            shuffle=False,
            verbose=0,
        )
        return state

    def predict(self, x: Array, batch_size: int = 64) -> Array:
        """Return class probabilities, float32 (n, classes), for inputs float32 (n, *input_shape), in inference mode."""
        return np.concatenate([self._infer(x[i : i + batch_size]).numpy() for i in range(0, len(x), batch_size)])

    def save_weights(self, weights: dict[str, Array], path: Path) -> None:
        """Save weights, given by their public names, as a Keras ``.weights.h5`` file without the optimiser's state."""
        for name, variable in named_weights(self.model).items():
            variable.assign(weights[name])
        bare = keras.Model(self.model.inputs, self.model.outputs, name=self.model.name)  # without the optimiser
        bare.save_weights(path)

    def _restore(self, state: TrainingState, seed: int, fold: int) -> None:
        """Restore weights and optimiser from `state`; initial weights depend on the seed and the fold only."""
        for variable, value in zip(self._variables, state.variables or self._initial, strict=True):
            variable.assign(value)
        if state.epoch == 0 and self.network.family.kernels_by_name:
            for name, variable in named_weights(self.model).items():
                if name.endswith("/kernel"):
                    draw = keras.initializers.GlorotUniform(seed=derive_seed(seed, fold, name, "weights"))
                    variable.assign(draw(variable.shape))
        elif state.epoch == 0:
            keras.utils.set_random_seed(derive_seed(seed, fold, "weights"))
            for variable, drawn in zip(self.model.weights, self.network.build().weights, strict=True):
                variable.assign(drawn)

    def _batches(
        self, x: Array, y: Array, chosen: Array, batch: int, seed: tuple[int, int], first_epoch: int
    ) -> tf.data.Dataset:
        """Batches of all remaining epochs; the order in an epoch depends on (seed, fold, epoch) only.

        They are taken from the arrays of the whole corpus, of which a worker has one copy.
        """

        def batches() -> Iterator[tuple[Array, Array]]:
            for epoch in range(first_epoch, self.trainer.epochs):
                order = chosen[np.random.default_rng(derive_seed(*seed, epoch, "shuffle")).permutation(len(chosen))]
                for rows in np.split(order, range(batch, len(order), batch)):
                    yield x[rows][..., None], y[rows]

        shapes = [tf.TensorSpec((None, *shape), tf.float32) for shape in ((*x.shape[1:], 1), y.shape[1:])]
        return tf.data.Dataset.from_generator(batches, output_signature=tuple(shapes)).prefetch(2)


def _kept_after(epochs: int) -> str:
    return f"The state after epoch {epochs} is the last finite one and is kept." if epochs else "No epoch was finite."


class _ScoreEpochs(keras.callbacks.Callback):
    """Set the seeds and the learning rate at the start of every epoch, and compute the scores at its end."""

    def __init__(
        self,
        owner: FoldTrainer,
        state: TrainingState,
        sides: dict[str, tuple[Array, Array]],
        protocol: Protocol,
        seed: tuple[int, int],
        on_epoch: Callable[[TrainingState], None],
    ) -> None:
        super().__init__()
        self.owner, self.state, self.sides = owner, state, sides
        self.rules, self.headline, self.seed, self.on_epoch = protocol.rules, protocol.rule, seed, on_epoch
        self.started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.monotonic()
        self.model.optimizer.learning_rate.assign(learning_rate(self.owner.trainer, epoch))
        seed_dropout(self.owner.generators, *self.seed, epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        state, logs = self.state, logs or {}
        for curve in TRAINING_CURVES:
            self._note(f"train/{curve}", logs[curve])
        probabilities = {name: self.owner.predict(x) for name, (x, _) in self.sides.items()}
        for name, (_, labels) in self.sides.items():
            self._score(name, labels, probabilities[name])
        for rule in self.rules:
            if self._improves(rule, epoch):
                state.best[rule], state.probabilities[rule] = epoch, probabilities["test"]
                if rule == self.headline:
                    state.weights = {name: weight.numpy() for name, weight in named_weights(self.model).items()}
        state.epoch = epoch + 1
        state.variables = [variable.numpy() for variable in self.owner._variables]
        state.epoch_seconds.append(time.monotonic() - self.started)
        if broken := state.not_finite:
            raise DivergenceError(
                f"the training diverged in epoch {epoch + 1} of {self.owner.trainer.epochs}: {', '.join(broken)} not "
                f"finite (NaN or infinite). {_kept_after(epoch)} Try a smaller trainer.learning_rate "
                f"(now {self.owner.trainer.learning_rate:g})."
            )
        self.on_epoch(state)

    def _score(self, side: str, labels: Array, probabilities: Array) -> None:
        predicted = probabilities.argmax(axis=1)
        targets = np.eye(probabilities.shape[1], dtype=np.float32)[labels]
        self._note(f"{side}/loss", float(self.owner.loss(targets, probabilities)))
        self._note(f"{side}/wa", wa(labels, predicted))
        self._note(f"{side}/score", published_score(labels, predicted))
        self.state.predicted.setdefault(side, []).append(predicted)

    def _improves(self, rule: str, epoch: int) -> bool:
        """Whether `rule` prefers this epoch to all earlier ones; among equal epochs the first is selected."""
        if rule == "last" or rule not in self.state.best:
            return True
        curve = self.state.history["test/score" if rule == "best_test" else "validation/wa"]
        return curve[epoch] > curve[self.state.best[rule]]

    def _note(self, curve: str, value: float) -> None:
        self.state.history.setdefault(curve, []).append(float(value))
