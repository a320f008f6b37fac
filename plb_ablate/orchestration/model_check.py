"""The check of a user's model before the first training, in a process of its own."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from plb_ablate.config.schema import Config
from plb_ablate.core.errors import ModelFileError
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.ledger.planner import Plan
from plb_ablate.models.family import BuildSettings, Shape
from plb_ablate.models.user_file import UserModel, read_user_model

__all__ = ["check_models"]


def check_models(plan: Plan, configs: Sequence[Config], say: Callable[[str], None]) -> None:
    """Build every variant of a sweep whose model is a user's file.

    Parameters
    ----------
    plan : Plan
        Provides the corpora, and with them the shape of the input and the number of classes.
    configs : sequence of Config
        The jobs of the sweep.
    say : callable
        Called with each remark.

    Raises
    ------
    ModelFileError
        As `plb_ablate.models.user_file_check.check_user_model`.
    """
    found: dict[tuple[UserModel, int, Shape, BuildSettings], dict[str, None]] = {}
    for config in configs:
        if config.model.file is None:
            continue
        model, prepared = read_user_model(Path(config.model.file)), plan.corpus(config)
        shape = prepared.input_shape
        variants = found.setdefault((model, len(prepared.corpus.classes), shape, config.build_settings), {})
        variants[config.ablation] = None
    for (model, num_classes, shape, settings), ablations in found.items():
        say(f"Building {len(ablations)} variants of {model.path}.")
        if "bn_momentum" not in model.options and settings.bn_momentum != BuildSettings.bn_momentum:
            say(
                f"note: trainer.bn_momentum={settings.bn_momentum:g} changes nothing, because build_model of "
                f"{model.path.name} takes no bn_momentum."
            )
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            try:
                pool.submit(_check, model, num_classes, shape, list(ablations), settings).result()
            except BrokenProcessPool:
                raise ModelFileError(f"{model.path}: the process that built the model ended without a word.") from None


def _check(
    model: UserModel, num_classes: int, input_shape: Shape, ablations: Sequence[str], settings: BuildSettings
) -> None:
    with redirect_output(Path(os.devnull)):  # TensorFlow prints its build while loading, whatever its log level
        from plb_ablate.models.user_file_check import check_user_model

        check_user_model(model, num_classes, input_shape, ablations, settings)
