"""The published loss: margin loss plus a weighted mean squared error, both on the softmax output."""

from typing import Any

import keras
from keras import ops

__all__ = ["PublishedLoss", "smooth"]


def smooth(targets: Any, amount: float) -> Any:
    """Mix one-hot targets with the uniform distribution.

    Parameters
    ----------
    targets : float32 (batch, classes)
    amount : float
        Weight of the uniform distribution; 0.1 in the published training.

    Returns
    -------
    float32 (batch, classes)

    References
    ----------
    Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016, section 7.
    """
    return targets * (1.0 - amount) + amount / targets.shape[-1]


@keras.saving.register_keras_serializable(package="plb_ablate")
class PublishedLoss(keras.losses.Loss):
    """Margin loss, summed over classes, plus `mse_weight` times the mean squared error; averaged over the batch.

    Parameters
    ----------
    present, absent : float
        Margins: no loss if the present class reaches the first and absent classes stay below the second.
    absent_weight : float
        Weight of absent classes.
    mse_weight : float
        Weight of the mean squared error.
    **kwargs
        Arguments of `keras.losses.Loss`.

    References
    ----------
    Sabour et al., Dynamic Routing Between Capsules, NeurIPS 2017, equation 4; weights of the published code.
    """

    def __init__(
        self,
        present: float = 0.9,
        absent: float = 0.1,
        absent_weight: float = 0.5,
        mse_weight: float = 0.392,
        name: str = "published_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.present, self.absent = present, absent
        self.absent_weight, self.mse_weight = absent_weight, mse_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each utterance, float32 (batch,)."""
        y_true = ops.cast(y_true, y_pred.dtype)
        missed = y_true * ops.square(ops.relu(self.present - y_pred))
        alarm = (1.0 - y_true) * ops.square(ops.relu(y_pred - self.absent))
        margin = ops.sum(missed + self.absent_weight * alarm, axis=-1)
        return margin + self.mse_weight * ops.mean(ops.square(y_true - y_pred), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return all arguments of the constructor."""
        return super().get_config() | {
            "present": self.present,
            "absent": self.absent,
            "absent_weight": self.absent_weight,
            "mse_weight": self.mse_weight,
        }
