"""An exported model as an MLflow model: stored with the model, and executed by ``mlflow.pyfunc.load_model``."""

from pathlib import Path

import mlflow
from mlflow.pyfunc import PythonModel, PythonModelContext

from plb_ablate.inference.litert import LiteRTModel

__all__ = ["Classifier"]


class Classifier(PythonModel):  # type: ignore[misc]
    """From features, float32 (n, frames, coefficients), to class probabilities, float32 (n, classes)."""

    _skip_type_hint_validation = True  # MLflow supports hints for lists, not for arrays; the signature has the shapes

    def load_context(self, context: PythonModelContext) -> None:
        """Open the LiteRT file that is stored with the model."""
        self.model = LiteRTModel(Path(context.artifacts["litert"]))

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Classify."""
        return self.model.predict(model_input)


mlflow.models.set_model(Classifier())
