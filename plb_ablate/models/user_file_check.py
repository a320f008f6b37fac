"""The check of a user's model: every variant is built, compared with the whole network, and asked for probabilities."""

from collections.abc import Sequence

import numpy as np

from plb_ablate.core.errors import ModelFileError
from plb_ablate.models.family import WHOLE, BuildSettings, Shape
from plb_ablate.models.inference_function import inference_function
from plb_ablate.models.inspection import graph, random_generators
from plb_ablate.models.user_file import UserModel

__all__ = ["check_user_model"]


def check_user_model(
    model: UserModel, num_classes: int, input_shape: Shape, ablations: Sequence[str], settings: BuildSettings
) -> None:
    """Build variants of a user's model.

    Raises
    ------
    ModelFileError
        If the file fails, builds no classifier of the right shape, ignores a removal, or gives something other than
        probabilities; the message names file and line.
    """
    build = model.family.build
    whole = graph(build(num_classes, input_shape, WHOLE, settings))
    for ablation in ablations:
        built = build(num_classes, input_shape, ablation, settings)
        if ablation != WHOLE and graph(built) == whole:
            raise ModelFileError(
                f"{model.path}, line {model.lines[1]}: build_model builds the same network for ablation={ablation} as "
                f"for ablation={WHOLE}. It must leave out the modules in `removed`, or line {model.lines[0]} must not "
                "name them in MODULES."
            )
        try:
            random_generators(built)
        except ValueError as error:
            raise ModelFileError(f"{model.path}, line {model.lines[1]}: {error}") from None
        draw = np.random.default_rng(0).standard_normal((2, *input_shape)).astype(np.float32)
        outputs = inference_function(built)(draw).numpy()
        if not (np.allclose(outputs.sum(axis=1), 1, atol=1e-3) and (outputs >= 0).all()):
            raise ModelFileError(
                f"{model.path}, line {model.lines[1]}: the outputs of ablation={ablation} add up to "
                f"{outputs[0].sum():.3g}, so they are no probabilities. End the model with "
                'keras.layers.Dense(num_classes, activation="softmax").'
            )
