"""Upload of finished cells to MLflow: one parent run for each variant and seed, one child run for each fold.

An upload reads nothing but the ledger, so any process can do it at any time, again after a failure; each cell is
uploaded once. The layout of the runs is in `docs/tracking.md`.
"""

import hashlib
import json
import logging
import tempfile
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run
from mlflow.exceptions import MlflowException

from plb_ablate.config.schema import Tracking
from plb_ablate.core.errors import StoreError
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.tracking.cell_fields import IDENTITY, about, summary, user_files, variant_tags
from plb_ablate.tracking.cell_figures import confusion_figure, curves_figure
from plb_ablate.tracking.corpus_input import corpus_input
from plb_ablate.tracking.mlflow_reader import finished_runs
from plb_ablate.tracking.predictions_file import store_fold
from plb_ablate.tracking.run_fields import flatten, log_metrics, metrics_of
from plb_ablate.tracking.sqlite_store import absolute_uri, artifact_folder, sqlite_file, use_write_ahead_log
from plb_ablate.tracking.store import WRITING, active_experiment, check_store, exclusive_writer, store_errors
from plb_ablate.tracking.ui_view import EXPERIMENT_TAGS
from plb_ablate.training.metrics import SCORES

__all__ = ["Tracker"]

_FILES = ("config.yaml", "predictions.csv", "confusion_matrix.csv", "history.csv", "weights.weights.h5")
"""Artifacts of a fold."""

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

    Attributes
    ----------
    known : int
        Number of results for which `upload` found a complete run in the store, and made no other.

    Raises
    ------
    StoreError
        If the store cannot be opened.
    """

    def __init__(self, tracking: Tracking, ledger: Ledger) -> None:
        if tracking.uri is None:
            raise StoreError("tracking.uri=null names no store: give one, for example sqlite:///mlflow.db.")
        self.uri, self.ledger, self.known = tracking.uri, ledger, 0
        self.key = hashlib.sha256(f"{absolute_uri(self.uri)}#{tracking.experiment}".encode()).hexdigest()[:16]
        check_store(tracking)
        with store_errors(self.uri, WRITING), exclusive_writer(self.uri, ledger.root):
            logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
            if file := sqlite_file(self.uri):
                use_write_ahead_log(file)
            self.client = MlflowClient(self.uri)
            self.experiment = self._experiment(tracking.experiment)

    def pending(self) -> list[LedgerEntry]:
        """Finished cells that this store does not have: not uploaded yet, or their runs were deleted there."""
        return [e for e in self.ledger.entries() if e.state == "done" and not self._has(e)]

    def _has(self, entry: LedgerEntry) -> bool:
        return entry.is_uploaded(self.key) and entry.cell in self._stored

    @cached_property
    def _stored(self) -> set[str]:
        """Cells that have a finished run below a variant's run, neither of them deleted: one search for all cells."""
        parents = {run.run_id for run in finished_runs(self.client, self.experiment, {"level": "config"}, (), ())}
        names = ("cell", "mlflow.parentRunId")
        children = [run.tags for run in finished_runs(self.client, self.experiment, {"level": "fold"}, names, ())]
        return {tags["cell"] for tags in children if "cell" in tags and tags.get("mlflow.parentRunId") in parents}

    def upload(self, entry: LedgerEntry) -> str:
        """Upload a finished cell, with its parent run, and return the child's run id.

        A complete run of this result is kept, below a new parent run if its own was deleted; any other run of the cell
        is removed: incomplete ones, left by a killed process, and those of an earlier training. If another program has
        locked the database, the upload is retried a few times.

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
            if self._has(entry):
                return entry.run_id(self.key)
            settings, scores = entry.read("cell.json"), entry.read("result/scores.json")
            parent = self._parent(settings, scores).info.run_id
            child = self._kept(entry, parent) or self._child(entry, settings, scores, parent)
            store_fold(self.client, parent, entry.result, scores, settings["fold"])
            self._summarise(parent)
            entry.mark_uploaded(self.key, child)  # last, so that an interrupted upload is repeated
            self._stored.add(entry.cell)
            return child

    # ------------------------------------------------------------------ runs

    def _kept(self, entry: LedgerEntry, parent: str) -> str:
        """Return the run that the store has of this result, put below the parent; empty if none. Delete all others."""
        kept, seconds = "", entry.read("result/run.json")["seconds"]
        for run in self._runs({"cell": entry.cell, "level": "fold"}):
            same = entry.is_uploaded(self.key) or run.data.metrics.get("seconds") == seconds  # no two trainings agree
            if kept or run.info.status != "FINISHED" or not same:
                self.client.delete_run(run.info.run_id)
                continue
            kept = str(run.info.run_id)
            if run.data.tags.get("mlflow.parentRunId") != parent:
                self.client.set_tag(kept, "mlflow.parentRunId", parent)
        self.known += bool(kept)
        return kept

    def _parent(self, settings: Mapping[str, Any], scores: Mapping[str, Any]) -> Run:
        tags = variant_tags(settings) | self.ledger.corpus_tags(settings["config_hash"]) | {"level": "config"}
        note = {"mlflow.note.content": f"{about(settings)} Its runs below are the folds; `folds_done` counts them."}
        for run in self._runs({key: tags[key] for key in IDENTITY} | {"level": "config"}):
            if run.info.status == "FINISHED":
                return run
            self.client.delete_run(run.info.run_id)  # left incomplete by a killed process
        name = f"{settings['dataset']} {settings['ablation']} seed {settings['seed']} ({settings['protocol']['name']})"
        run = self._create(name, tags | note, {key: value for key, value in settings.items() if key != "fold"})
        self.client.log_inputs(run.info.run_id, [corpus_input(settings, scores)])
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
        tags = variant_tags(settings) | self.ledger.corpus_tags(settings["config_hash"]) | run_info["provenance"]
        tags |= {"level": "fold", "fold": str(settings["fold"]), "cell": entry.cell, "mlflow.parentRunId": parent}
        tags |= {"mlflow.note.content": f"Fold {settings['fold']} (from 0) of {settings['n_folds']}. {about(settings)}"}
        tags |= {"classes": json.dumps(scores["classes"]), "headline": scores["headline"]}
        run = self._create(f"fold {settings['fold']}", tags, settings)
        self.client.log_inputs(run.info.run_id, [corpus_input(settings, scores)])
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
        for name in (*_FILES, *user_files(settings)):
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
                metrics |= {f"{rule}/{score}/{name}": value for name, value in summary(values).items()}
        log_metrics(self.client, run_id, metrics_of(metrics, step=len(folds)))

    # ------------------------------------------------------------------ the store

    def _experiment(self, name: str) -> str:
        if existing := active_experiment(self.client, name):
            return str(existing.experiment_id)
        file = sqlite_file(self.uri)
        try:
            return self.client.create_experiment(name, artifact_folder(file, name) if file else None, EXPERIMENT_TAGS)
        except MlflowException:
            if existing := active_experiment(self.client, name):  # another process has created it in the meantime
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
