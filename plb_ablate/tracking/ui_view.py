"""The default view of a study in the MLflow UI: its variants, and the columns that compare them."""

import json

from plb_ablate.tracking.race_tags import AT, DECISION, ROUNDS

__all__ = ["EXPERIMENT_TAGS", "view_url"]

_KEY = "plb_ablate"

_NAME = "attributes.`Run Name`"

_COLUMNS = (
    *(f"metrics.`{rule}/wa/{name}`" for rule in ("best_validation", "best_test") for name in ("mean", "std")),
    "metrics.`best_test/score/mean`",
    "metrics.`folds_done`",
    "metrics.`params/total`",
    f"metrics.`{ROUNDS}`",
    "attributes.`Dataset`",
    *(f"tags.`{name}`" for name in ("ablation", "protocol", "seed", DECISION, AT)),
)

EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    "mlflow.note.content": (
        "Ablation study. A run of level `config` is a variant with a seed, "
        "the runs below it (level `fold`) are its folds; the run `report` has the tables and figures. Empty the filter "
        "to see the folds too. Tick two variants and choose *Compare*."
    ),
    f"mlflow.sharedViewState.{_KEY}": json.dumps(
        {
            "searchFilter": "tags.level != 'fold'",
            "selectedColumns": _COLUMNS,
            "columnOrder": (_NAME, *_COLUMNS),
            "columnWidths": {_NAME: 280} | dict.fromkeys(_COLUMNS, 170),
            "runsHiddenMode": "SHOW_ALL",
        }
    ),
}
"""Tags of an experiment: its kind, its description, and a view of its runs in the format of the UI's *Share* link."""


def view_url(address: str, experiment: str) -> str:
    """Return the URL of the view of an experiment.

    Parameters
    ----------
    address : str
        Address of the MLflow server.
    experiment : str
        Id of the experiment.
    """
    query = f"workflowType=machine_learning&viewStateShareKey={_KEY}"
    return f"{address.rstrip('/')}/#/experiments/{experiment}/runs?{query}"
