"""Upload of finished cells to MLflow: one parent run for each variant and seed, one child run for each fold.

An upload reads nothing but the ledger, so any process can do it at any time, again after a failure; each cell is
uploaded once. The layout of the runs is in `docs/tracking.md`.
"""

import hashlib
import json
import logging
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run
from mlflow.exceptions import MlflowException

from plb_ablate.config.schema import Tracking
from plb_ablate.core.errors import StoreError
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.tracking.cell_figures import confusion_figure, curves_figure
from plb_ablate.tracking.run_fields import flatten, log_metrics, metrics_of
from plb_ablate.tracking.store import (
    WRITING,
    absolute_uri,
    check_store,
    exclusive_writer,
    store_errors,
    use_write_ahead_log,
)
from plb_ablate.tracking.ui_view import EXPERIMENT_TAGS
from plb_ablate.training.metrics import SCORES

__all__ = ["Tracker"]

_PAUSES = (1.0, 3.0)
"""Seconds before each retry of an upload that failed because another program has locked the database."""


class Tracker:
    """Uploads results of a ledger to one MLflow store.

    Creating it creates the store and its experiment if they do not exist, so do it before other processes write.

    Parameters
    ----------
    tracking : Tracking
        Address of the store and name of the experiment.
    ledger : Ledger
        What is uploaded.

    Raises
    ------
    StoreError
        If the store cannot be opened.
    """

    def __init__(self, tracking: Tracking, ledger: Ledger) -> None:
        if tracking.uri is None:
            raise StoreError("tracking.uri=null names no store: give one, for example sqlite:///mlflow.db.")
        self.uri, self.ledger = tracking.uri, ledger
        self.key = hashlib.sha256(f"{absolute_uri(self.uri)}#{tracking.experiment}".encode()).hexdigest()[:16]
        check_store(self.uri)
        with store_errors(self.uri, WRITING), exclusive_writer(self.uri, ledger.root):
            logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
            use_write_ahead_log(self.uri)
            self.client = MlflowClient(self.uri)
            self.experiment = self._experiment(tracking.experiment)

    def pending(self) -> list[LedgerEntry]:
        """Finished cells that this store does not have yet."""
        return [e for e in self.ledger.entries() if e.state == "done" and not e.is_uploaded(self.key)]

    def upload(self, entry: LedgerEntry) -> str:
        """Upload a finished cell, with its parent run, and return the child's run id.

        An incomplete run of the cell, left by a killed process, is removed first. If another program has locked the
        database, the upload is retried a few times.

        Raises
        ------
        StoreError
            If the store cannot be reached or refuses the upload; the cell then stays pending, and nothing is lost.
        """
        for pause in _PAUSES:
            try:
                return self._upload(entry)
            except StoreError as error:
                if "locked" not in str(error):
                    raise
                time.sleep(pause)
        return self._upload(entry)

    def _upload(self, entry: LedgerEntry) -> str:
        with store_errors(self.uri, WRITING), exclusive_writer(self.uri, self.ledger.root):
            if entry.is_uploaded(self.key):
                return entry.run_id(self.key)
            settings, scores = entry.read("cell.json"), entry.read("result/scores.json")
            parent = self._parent(settings, scores)
            for old in self._runs({"cell": entry.cell, "level": "fold"}):
                self.client.delete_run(old.info.run_id)
            child = self._child(entry, settings, scores, parent.info.run_id)
            self._summarise(parent.info.run_id)
            entry.mark_uploaded(self.key, child)  # last, so that an interrupted upload is repeated
            return child

    # ------------------------------------------------------------------ runs

    def _parent(self, settings: Mapping[str, Any], scores: Mapping[str, Any]) -> Run:
        tags = _variant_tags(settings) | {"level": "config"}
        note = {"mlflow.note.content": f"{_about(settings)} Its runs below are the folds; `folds_done` counts them."}
        for run in self._runs({key: tags[key] for key in _IDENTITY} | {"level": "config"}):
            if run.info.status == "FINISHED":
                return run
            self.client.delete_run(run.info.run_id)  # left incomplete by a killed process
        name = f"{settings['dataset']} {settings['ablation']} seed {settings['seed']} ({settings['protocol']['name']})"
        run = self._create(name, tags | note, {key: value for key, value in settings.items() if key != "fold"})
        total = {"params/total": sum(scores["parameters"].values()), "params/trainable": scores["trainable"]}
        modules = {f"params/module/{module}": count for module, count in scores["parameters"].items()}
        log_metrics(self.client, run.info.run_id, metrics_of(total | modules))
        audit = self.ledger.audit_file(settings["config_hash"])
        if audit.exists():
            self.client.log_dict(run.info.run_id, json.loads(audit.read_text()), "leakage.json")
        self.client.set_terminated(run.info.run_id)
        return run

    def _child(self, entry: LedgerEntry, settings: Mapping[str, Any], scores: Mapping[str, Any], parent: str) -> str:
        run_info = entry.read("result/run.json")
        tags = _variant_tags(settings) | run_info["provenance"]
        tags |= {"level": "fold", "fold": str(settings["fold"]), "cell": entry.cell, "mlflow.parentRunId": parent}
        tags |= {
            "mlflow.note.content": f"Fold {settings['fold']} (from 0) of {settings['n_folds']}. {_about(settings)}"
        }
        tags |= {"classes": json.dumps(scores["classes"]), "headline": scores["headline"]}
        run = self._create(f"fold {settings['fold']}", tags, settings)
        history = pd.read_csv(entry.result / "history.csv", index_col="epoch")
        final = flatten(scores["rules"], "/") | {f"n_{split}": size for split, size in scores["sizes"].items()}
        now = int(time.time() * 1000)
        curves = [
            Metric(name, float(value), now, epoch)
            for name, curve in history.items()
            for epoch, value in enumerate(curve)
        ]
        log_metrics(self.client, run.info.run_id, metrics_of(final | {"seconds": run_info["seconds"]}) + curves)
        self._artifacts(run.info.run_id, entry, history, settings, scores)
        self.client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def _artifacts(
        self,
        run_id: str,
        entry: LedgerEntry,
        history: pd.DataFrame,
        settings: Mapping[str, Any],
        scores: Mapping[str, Any],
    ) -> None:
        title = f"{settings['dataset']} {settings['ablation']}, fold {settings['fold']}"
        with tempfile.TemporaryDirectory() as folder:
            matrix = pd.read_csv(entry.result / "confusion_matrix.csv", index_col=0)
            confusion_figure(matrix, title, Path(folder) / "confusion_matrix.png")
            chosen = scores["rules"][scores["headline"]]["epoch"]
            curves_figure(history, chosen, title, Path(folder) / "curves.png")
            self.client.log_artifacts(run_id, folder)
        for name in ("config.yaml", "predictions.csv", "confusion_matrix.csv", "history.csv", "weights.weights.h5"):
            self.client.log_artifact(run_id, str(entry.result / name))

    def _summarise(self, run_id: str) -> None:
        """Summarise on the parent run all children that the store has."""
        children = self._runs({"mlflow.parentRunId": run_id}, finished=True)
        latest = {run.data.tags["fold"]: run.data.metrics for run in reversed(children)}
        folds = [latest[fold] for fold in sorted(latest, key=int)]
        metrics = {"folds_done": float(len(folds))}
        rules = sorted({name.split("/")[0] for values in folds for name in values if name.endswith("/macro_f1")})
        for rule in rules:
            for score in SCORES:
                values = [fold[f"{rule}/{score}"] for fold in folds]
                metrics |= {f"{rule}/{score}/{name}": value for name, value in _summary(values).items()}
        log_metrics(self.client, run_id, metrics_of(metrics, step=len(folds)))

    # ------------------------------------------------------------------ the store

    def _experiment(self, name: str) -> str:
        if existing := self.client.get_experiment_by_name(name):
            return str(existing.experiment_id)
        try:
            return self.client.create_experiment(name, tags=EXPERIMENT_TAGS)
        except MlflowException:
            if existing := self.client.get_experiment_by_name(name):  # another process has created it in the meantime
                return str(existing.experiment_id)
            raise

    def _create(self, name: str, tags: Mapping[str, str], settings: Mapping[str, Any]) -> Run:
        run = self.client.create_run(self.experiment, tags=dict(tags), run_name=name)
        params = [Param(key, str(value)) for key, value in flatten(settings, ".").items()]
        self.client.log_batch(run.info.run_id, params=params)
        return run

    def _runs(self, tags: Mapping[str, str], *, finished: bool = False) -> list[Run]:
        """Return all runs with exactly these tags, the newest first."""
        conditions = [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
        conditions += ["attributes.status = 'FINISHED'"] if finished else []
        runs: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs([self.experiment], " and ".join(conditions), page_token=token)
            runs += page
            if not (token := page.token):
                return runs


_IDENTITY = ("dataset", "ablation", "seed", "protocol", "trainer", "reverse", "config_hash")
"""Tags that identify a parent run."""


def _variant_tags(settings: Mapping[str, Any]) -> dict[str, str]:
    tags = {key: str(settings[key]) for key in ("dataset", "ablation", "seed", "reverse", "config_hash", "n_folds")}
    tags |= {"protocol": settings["protocol"]["name"], "trainer": settings["trainer"]["name"]}
    return tags | ({"study": settings["study"]} if settings["study"] else {})


def _about(settings: Mapping[str, Any]) -> str:
    """Describe a run for the MLflow UI."""
    removed = "nothing removed" if settings["ablation"] == "none" else f"`{settings['ablation']}`"
    how = f"protocol={settings['protocol']['name']}, trainer={settings['trainer']['name']}, seed {settings['seed']}"
    return f"Pattern Learning Block network, {removed}, on {settings['dataset']}: {settings['n_folds']} folds, {how}."


def _summary(values: Sequence[float]) -> dict[str, float]:
    series = pd.Series(values)
    summary = {"max": series.max(), "min": series.min(), "mean": series.mean(), "std": series.std()}
    return {name: float(value) for name, value in summary.items() if not math.isnan(value)}
