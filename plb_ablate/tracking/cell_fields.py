"""Tags, note and summary of the runs that cells become."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from plb_ablate.config.features import FeatureSettings
from plb_ablate.config.trainer import changed_training
from plb_ablate.models.registry import FAMILIES, FILE, family_of_settings

__all__ = ["IDENTITY", "about", "summary", "user_files", "variant_tags"]


IDENTITY = ("dataset", "ablation", "seed", "protocol", "trainer", "reverse", "config_hash")
"""Tags that identify a parent run."""


def variant_tags(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that a variant's run and its folds share."""
    tags = {key: str(settings[key]) for key in ("dataset", "ablation", "seed", "reverse", "config_hash", "n_folds")}
    tags |= {"protocol": settings["protocol"]["name"], "trainer": settings["trainer"]["name"]}
    family = family_of_settings(settings)
    tags |= {"model": family.name} | ({} if family.name in FAMILIES else {"modules": ",".join(family.modules)})
    tags |= {"features": _features(settings)} if "features" in settings else {}
    tags |= {"training": training} if (training := changed_training(settings["trainer"])) else {}
    return tags | ({"study": settings["study"]} if settings["study"] else {})


def _features(settings: Mapping[str, Any]) -> str:
    """Describe features that are not the published ones."""
    return FeatureSettings(**settings["features"]).label


def about(settings: Mapping[str, Any]) -> str:
    """Describe a run for the MLflow UI."""
    removed = "nothing removed" if settings["ablation"] == "none" else f"`{settings['ablation']}`"
    how = f"protocol={settings['protocol']['name']}, trainer={settings['trainer']['name']}, seed {settings['seed']}"
    how += f", features {_features(settings)}" if "features" in settings else ""
    title, where = family_of_settings(settings).title, f"on {settings['dataset']}: {settings['n_folds']} folds"
    return f"{title}, {removed}, {where}, {how}."


def user_files(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of files of a result that only some models have: a user's model file."""
    return [settings["model"]["file"]] if settings.get("model", {}).get("name") == FILE else []


def summary(values: Sequence[float]) -> dict[str, float]:
    """Summarise the scores of finished folds; what a single fold does not have is left out."""
    series = pd.Series(values)
    found = {"max": series.max(), "min": series.min(), "mean": series.mean(), "std": series.std()}
    return {name: float(value) for name, value in found.items() if not math.isnan(value)}
