"""Setup of a training: threads, loss, optimiser and metrics, and the learning rate and dropout seeds of an epoch."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from plb_ablate.config.trainer import Trainer
from plb_ablate.core.gpus import take_gpu
from plb_ablate.core.seeding import derive_seed
from plb_ablate.models.plb.loss import PublishedLoss

__all__ = ["TRAINING_CURVES", "compile_for_training", "learning_rate", "seed_dropout", "set_up_tensorflow"]

TRAINING_CURVES = ("loss", "accuracy", "batch_loss", "batch_accuracy")
"""Curves of every epoch, measured during training with dropout: means over utterances (`loss`, `accuracy`), and
unweighted means over batches as printed by the published study, where a last batch of one utterance has the same weight
as one of 32 (`batch_loss`, `batch_accuracy`)."""


def set_up_tensorflow(threads: int, device: str = "cpu", *, deterministic: bool = True) -> None:
    """Set up TensorFlow in this process, before any other use of it.

    Parameters
    ----------
    threads : int
        CPU threads.
    device : str
        ``cpu``, or ``gpu``: one GPU, shared evenly with other processes (`plb_ablate.core.gpus.take_gpu`), whose memory
        is taken only as it is needed.
    deterministic : bool
        Whether kernels without a deterministic version raise an error.
    """
    gpus = tf.config.list_physical_devices("GPU") if device == "gpu" else []
    mine = [take_gpu(gpus)] if gpus else []
    tf.config.set_visible_devices(mine, "GPU")
    for gpu in mine:
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def learning_rate(trainer: Trainer, epoch: int) -> float:
    """Return the learning rate of an epoch (from 0): by default multiplied by exp(-0.15) after epochs 60, 80, ..."""
    decays = sum(e % trainer.decay_every == 0 for e in range(trainer.decay_from, epoch))
    return float(trainer.learning_rate * np.exp(-trainer.decay * decays))


def seed_dropout(generators: Mapping[str, keras.random.SeedGenerator], seed: int, fold: int, epoch: int) -> None:
    """Seed every dropout layer for an epoch: masks differ between layers and are the same after resuming."""
    for layer, generator in generators.items():
        generator.state.assign([derive_seed(seed, fold, epoch, layer, "dropout"), 0])


_LOSSES = {
    "published": PublishedLoss,
    "cross_entropy": keras.losses.CategoricalCrossentropy,
    "focal": partial(keras.losses.CategoricalFocalCrossentropy, alpha=1.0, gamma=2.0),
}
"""Losses by the name used in ``trainer.loss``.

Focal loss: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, equation 4, without class weights.
"""


def compile_for_training(model: keras.Model, trainer: Trainer) -> keras.losses.Loss:
    """Compile a model with its loss, the published optimiser and the metrics of `TRAINING_CURVES`; return the loss.

    Without `trainer.loss` it is the published loss, as in results of earlier versions. The regularisation of a model is
    part of the minimised sum and of ``train/loss``, but not of the other losses.
    """
    loss = _LOSSES[trainer.loss or "published"]()

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
