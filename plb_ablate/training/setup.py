"""Setup of a training: threads, loss, optimiser and metrics, and the learning rate and dropout seeds of an epoch."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from plb_ablate.config.schema import Trainer
from plb_ablate.core.seeding import derive_seed
from plb_ablate.models.plb.loss import PublishedLoss

__all__ = ["TRAINING_CURVES", "compile_for_training", "learning_rate", "seed_dropout", "set_up_tensorflow"]

TRAINING_CURVES = ("loss", "accuracy", "batch_loss", "batch_accuracy")
"""Curves of every epoch, measured during training with dropout: means over utterances (`loss`, `accuracy`), and
unweighted means over batches as printed by the published study, where a last batch of one utterance has the same weight
as one of 32 (`batch_loss`, `batch_accuracy`)."""


def set_up_tensorflow(threads: int) -> None:
    """Make TensorFlow deterministic and limit it to `threads` threads; call before any other use of TensorFlow."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()


def learning_rate(trainer: Trainer, epoch: int) -> float:
    """Return the learning rate of an epoch (from 0): by default multiplied by exp(-0.15) after epochs 60, 80, ..."""
    decays = sum(e % trainer.decay_every == 0 for e in range(trainer.decay_from, epoch))
    return float(trainer.learning_rate * np.exp(-trainer.decay * decays))


def seed_dropout(generators: Mapping[str, keras.random.SeedGenerator], seed: int, fold: int, epoch: int) -> None:
    """Seed every dropout layer for an epoch: masks differ between layers and are the same after resuming."""
    for layer, generator in generators.items():
        generator.state.assign([derive_seed(seed, fold, epoch, layer, "dropout"), 0])


def compile_for_training(model: keras.Model, trainer: Trainer) -> PublishedLoss:
    """Compile a model with the published loss and optimiser and the metrics of `TRAINING_CURVES`; return the loss."""
    loss = PublishedLoss()

    def batch_loss(targets: Any, probabilities: Any) -> Any:
        return ops.mean(loss.call(targets, probabilities))

    def batch_accuracy(targets: Any, probabilities: Any) -> Any:
        return ops.mean(keras.metrics.categorical_accuracy(targets, probabilities))

    model.compile(
        optimizer=keras.optimizers.Adam(
            trainer.learning_rate, trainer.beta_1, trainer.beta_2, trainer.epsilon, name="adam"
        ),
        loss=loss,
        metrics=[
            keras.metrics.CategoricalAccuracy(name="accuracy"),
            keras.metrics.MeanMetricWrapper(batch_loss, name="batch_loss"),
            keras.metrics.MeanMetricWrapper(batch_accuracy, name="batch_accuracy"),
        ],
        jit_compile=False,
    )
    return loss
