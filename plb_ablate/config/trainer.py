"""How a model is trained."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from plb_ablate.core.errors import ConfigError

__all__ = ["LOSSES", "PRECISIONS", "Trainer", "changed_training"]

LOSSES = ("published", "cross_entropy", "focal")
"""Allowed losses of a training."""

PRECISIONS = ("float32", "bfloat16")
"""Allowed precisions of the large matrix products and convolutions of a training."""


@dataclass
class Trainer:
    """How a model is trained. The defaults are the published settings.

    Parameters
    ----------
    name : str
        ``published``, ``demo`` or ``smoke``.
    epochs : int
        Number of passes over the training split.
    batch_size : int
        Number of utterances per training step.
    learning_rate, beta_1, beta_2, epsilon : float
        Parameters of Adam. The text of the paper gives 0.97 and 0.93 for the two betas; its code uses 0.975 and 0.932.
    decay_from, decay_every : int
        Epochs after which the learning rate decays: every e (from 0) with e >= `decay_from` and e % `decay_every` == 0.
    decay : float
        Each decay multiplies the learning rate by exp(-`decay`).
    label_smoothing : float
        Weight of the uniform distribution in the training targets.
    bn_momentum : float
        Momentum of the moving statistics of batch normalisation; short trainings need less than the published 0.99.
    precision : str
        ``float32``, or ``bfloat16`` for the large matrix products and convolutions of the training: faster on CPUs with
        native bfloat16 support (AVX512-BF16, AMX), slower on others.
    loss : str, optional
        ``published`` (margin loss and mean squared error), ``cross_entropy``, or ``focal`` (focal loss with gamma 2);
        null is that of the model: ``published`` for ``plb``, ``cross_entropy`` for others.
    """

    name: str = "published"
    epochs: int = 300
    batch_size: int = 32
    learning_rate: float = 1e-3
    beta_1: float = 0.975
    beta_2: float = 0.932
    epsilon: float = 1e-8
    decay_from: int = 50
    decay_every: int = 20
    decay: float = 0.15
    label_smoothing: float = 0.1
    bn_momentum: float = 0.99
    precision: str = "float32"
    loss: str | None = None

    def __post_init__(self) -> None:
        for key in ("epochs", "batch_size", "decay_every", "learning_rate", "epsilon"):
            if getattr(self, key) <= 0:
                raise ConfigError(f"trainer.{key}={getattr(self, key)} must be greater than 0.")
        for key in ("beta_1", "beta_2", "label_smoothing", "bn_momentum"):
            if not 0 <= getattr(self, key) < 1:
                raise ConfigError(f"trainer.{key}={getattr(self, key)} must be at least 0 and less than 1.")
        if self.precision not in PRECISIONS:
            raise ConfigError(f"trainer.precision={self.precision} is unknown. Use {' or '.join(PRECISIONS)}.")
        if self.loss not in (None, *LOSSES):
            raise ConfigError(f"trainer.loss={self.loss} is unknown. Use one of {', '.join(LOSSES)}.")


def changed_training(trainer: Mapping[str, Any]) -> str:
    """Describe how stored settings differ from the published training, its length aside: ``loss=focal beta_1=0.9``.

    Settings without a loss have the published one.
    """
    published = {field.name: field.default for field in fields(Trainer)} | {"loss": "published"}
    return " ".join(
        f"{name}={trainer[name]}"
        for name, usual in published.items()
        if name not in ("name", "epochs") and trainer.get(name, usual) != usual
    )
