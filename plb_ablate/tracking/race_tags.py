"""A race on the runs of its variants: why each left, and after how many rounds."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plb_ablate.ledger.race_records import race_records
from plb_ablate.models.family import WHOLE
from plb_ablate.tracking.mlflow_reader import finished_runs
from plb_ablate.tracking.store import WRITING, exclusive_writer, store_errors

if TYPE_CHECKING:
    from plb_ablate.tracking.mlflow_writer import Tracker

__all__ = ["AT", "DECISION", "PLAN", "ROUNDS", "tag_races"]

DECISION, AT, PLAN = "race/decision", "race/at", "race/plan"
"""Tags: the outcome of a variant; after how many of all rounds it left, such as ``04/10``, of the reference how many
it has taken part in; what the race is held over."""

ROUNDS = "race/rounds"
"""Metric: in how many rounds a variant has taken part; MLflow's UI sorts runs by metrics, but not by tags."""


def tag_races(tracker: "Tracker") -> None:
    """Write how the races of a ledger stand on the parent runs of their variants, as far as the store has them.

    A tag that is right already is not written again, so this can be done at any time and any number of times.

    Raises
    ------
    StoreError
        If the store cannot be reached or refuses a tag.
    """
    from plb_ablate.tracking.run_fields import log_metrics, metrics_of  # imports MLflow; report and UI need names only

    for config_hash, record in race_records(tracker.ledger).items():
        with store_errors(tracker.uri, WRITING), exclusive_writer(tracker.uri, tracker.ledger.root):
            names = ("ablation", "seed", DECISION, AT, PLAN)
            chosen = {"level": "config", "config_hash": config_hash}
            for run in finished_runs(tracker.client, tracker.experiment, chosen, names, (ROUNDS,)):
                tags, rounds = _standing(record, run.tags["ablation"], int(run.tags["seed"]))
                for name, value in tags.items():
                    if run.tags.get(name) != value:
                        tracker.client.set_tag(run.run_id, name, value)
                if tags and run.metrics.get(ROUNDS) != rounds:
                    log_metrics(tracker.client, run.run_id, metrics_of({ROUNDS: rounds}))
                if tags and AT in run.tags and AT not in tags:  # a training that had failed speaks for another decision
                    tracker.client.delete_tag(run.run_id, AT)


def _standing(record: Mapping[str, Any], ablation: str, seed: int) -> tuple[dict[str, str], int]:
    """Return the tags of a run of a race, none for a run that takes no part in it; and its number of rounds."""
    seeds = list(dict.fromkeys(seed for seed, _ in record["rounds"]))
    standing = record["standings"].get(ablation)
    if seed not in seeds or ablation not in (WHOLE, *record["variants"]):
        return {}, 0
    plan = {"variants": record["variants"], "seeds": seeds, "futility": record["futility"]}
    tags = {PLAN: json.dumps(plan), DECISION: standing["outcome"] if standing else "reference"}
    if standing and standing["outcome"] == "racing":
        return tags, record["looks"]
    total, done = len(record["rounds"]), standing["at"] if standing else record["looks"]
    return tags | {AT: f"{done:0{len(str(total))}d}/{total}"}, done
