"""MLflow: finished cells of the ledger become runs, one parent a variant and seed, one child a fold.

Delivery reads the ledger alone, so it can happen at any time, in any process, again after a failure; each cell is
delivered once. The layout of the runs is in `docs/tracking.md`.
"""

import hashlib
import json
import logging
import math
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run
from mlflow.exceptions import MlflowException
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from plb_ablate.config.schema import Tracking
from plb_ablate.core.credentials import hide_credentials
from plb_ablate.core.errors import StoreError
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.tracking.cell_figures import confusion_figure, curves_figure
from plb_ablate.tracking.ui_view import EXPERIMENT_TAGS
from plb_ablate.training.metrics import SCORES

__all__ = ["Tracker", "check_store"]

_BATCH = 1000
"""Metrics in a batch: MLflow's limit."""

_PAUSES = (1.0, 3.0)
"""Seconds before each new try of a delivery that another program's lock on the database has stopped."""

_PATIENCE = 120.0
"""Seconds to wait for other deliveries to the same store."""


def check_store(uri: str) -> None:
    """See, before any long work, whether a store can be used; changes nothing in it, and creates no database.

    Raises
    ------
    StoreError
        If it cannot be reached, or an SQLite file or its folder cannot be written.
    """
    with _store_errors(uri):
        if not (file := _sqlite_file(uri)):
            MlflowClient(uri).search_experiments(max_results=1)
            return
        with tempfile.TemporaryFile(dir=file.parent):
            pass
        if file.exists():
            with closing(sqlite3.connect(file)) as database:
                database.execute("BEGIN IMMEDIATE")
                database.rollback()


class Tracker:
    """Delivers results of a ledger to one MLflow store.

    Creating it creates the store and its experiment where they do not exist, so do it before other processes write.

    Parameters
    ----------
    tracking : Tracking
        Address of the store and name of the experiment.
    ledger : Ledger
        What is delivered.

    Raises
    ------
    StoreError
        If the store cannot be opened.
    """

    def __init__(self, tracking: Tracking, ledger: Ledger) -> None:
        if tracking.uri is None:
            raise StoreError("tracking.uri=null names no store: give one, for example sqlite:///mlflow.db.")
        self.uri, self.ledger = tracking.uri, ledger
        self.key = hashlib.sha256(f"{_absolute(self.uri)}#{tracking.experiment}".encode()).hexdigest()[:16]
        check_store(self.uri)
        with _store_errors(self.uri), self._alone():
            logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
            _prepare_sqlite(self.uri)
            self.client = MlflowClient(self.uri)
            self.experiment = self._experiment(tracking.experiment)

    def undelivered(self) -> list[LedgerEntry]:
        """Finished cells that this store does not have yet."""
        return [e for e in self.ledger.entries() if e.state == "done" and not e.is_delivered(self.key)]

    def deliver(self, entry: LedgerEntry) -> str:
        """Write a finished cell to the store, with its parent run, and give the child's run id.

        A part that a killed process left in the store is removed first. Where another program has locked the database,
        a few more tries are made.

        Raises
        ------
        StoreError
            If the store cannot be reached or refuses; the cell then stays undelivered, and nothing is lost.
        """
        for pause in _PAUSES:
            try:
                return self._deliver(entry)
            except StoreError as error:
                if "locked" not in str(error):
                    raise
                time.sleep(pause)
        return self._deliver(entry)

    def _deliver(self, entry: LedgerEntry) -> str:
        with _store_errors(self.uri), self._alone():
            if entry.is_delivered(self.key):
                return (entry.folder / "delivered" / self.key).read_text().strip()
            what, scores = entry.read("cell.json"), entry.read("result/scores.json")
            parent = self._parent(what, scores)
            for old in self._runs({"cell": entry.cell, "level": "fold"}):
                self.client.delete_run(old.info.run_id)
            child = self._child(entry, what, scores, parent.info.run_id)
            self._summarise(parent.info.run_id)
            entry.mark_delivered(self.key, child)  # last: what breaks off before is done anew
            return child

    # ------------------------------------------------------------------ runs

    def _parent(self, what: Mapping[str, Any], scores: Mapping[str, Any]) -> Run:
        tags = _variant_tags(what) | {"level": "config"}
        note = {"mlflow.note.content": f"{_about(what)} Its runs below are the folds; `folds_done` counts them."}
        for run in self._runs({key: tags[key] for key in _IDENTITY} | {"level": "config"}):
            if run.info.status == "FINISHED":
                return run
            self.client.delete_run(run.info.run_id)  # begun by a process that was killed
        name = f"{what['dataset']} {what['ablation']} seed {what['seed']} ({what['protocol']['name']})"
        run = self._create(name, tags | note, _flat({key: value for key, value in what.items() if key != "fold"}))
        total = {"params/total": sum(scores["parameters"].values()), "params/trainable": scores["trainable"]}
        modules = {f"params/module/{module}": count for module, count in scores["parameters"].items()}
        self._log(run.info.run_id, [Metric(name, value, 0, 0) for name, value in (total | modules).items()])
        audit = self.ledger.audit_file(what["config_hash"])
        if audit.exists():
            self.client.log_dict(run.info.run_id, json.loads(audit.read_text()), "leakage.json")
        self.client.set_terminated(run.info.run_id)
        return run

    def _child(self, entry: LedgerEntry, what: Mapping[str, Any], scores: Mapping[str, Any], parent: str) -> str:
        run_info = entry.read("result/run.json")
        tags = _variant_tags(what) | run_info["provenance"]
        tags |= {"level": "fold", "fold": str(what["fold"]), "cell": entry.cell, "mlflow.parentRunId": parent}
        tags |= {"mlflow.note.content": f"Fold {what['fold']} (from 0) of {what['n_folds']}. {_about(what)}"}
        tags |= {"classes": json.dumps(scores["classes"]), "headline": scores["headline"]}
        run = self._create(f"fold {what['fold']}", tags, _flat(what))
        history = pd.read_csv(entry.result / "history.csv", index_col="epoch")
        final = {f"{rule}/{name}": v for rule, values in scores["rules"].items() for name, v in values.items()}
        final |= {f"n_{side}": size for side, size in scores["sizes"].items()} | {"seconds": run_info["seconds"]}
        now = int(time.time() * 1000)
        metrics = [Metric(name, float(value), now, 0) for name, value in final.items()]
        metrics += [
            Metric(name, float(value), now, epoch)
            for name, curve in history.items()
            for epoch, value in enumerate(curve)
        ]
        self._log(run.info.run_id, metrics)
        self._artifacts(run.info.run_id, entry, history, what, scores)
        self.client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def _artifacts(
        self, run_id: str, entry: LedgerEntry, history: pd.DataFrame, what: Mapping[str, Any], scores: Mapping[str, Any]
    ) -> None:
        title = f"{what['dataset']} {what['ablation']}, fold {what['fold']}"
        with tempfile.TemporaryDirectory() as folder:
            matrix = pd.read_csv(entry.result / "confusion_matrix.csv", index_col=0)
            confusion_figure(matrix, title, Path(folder) / "confusion_matrix.png")
            chosen = scores["rules"][scores["headline"]]["epoch"]
            curves_figure(history, chosen, title, Path(folder) / "curves.png")
            self.client.log_artifacts(run_id, folder)
        for name in ("config.yaml", "predictions.csv", "confusion_matrix.csv", "history.csv", "weights.weights.h5"):
            self.client.log_artifact(run_id, str(entry.result / name))

    def _summarise(self, run_id: str) -> None:
        """Bring the parent's summary up to all children that are in the store."""
        children = self._runs({"mlflow.parentRunId": run_id}, finished=True)
        latest = {run.data.tags["fold"]: run.data.metrics for run in reversed(children)}
        folds = [latest[fold] for fold in sorted(latest, key=int)]
        metrics = {"folds_done": float(len(folds))}
        rules = sorted({name.split("/")[0] for values in folds for name in values if name.endswith("/macro_f1")})
        for rule in rules:
            for score in SCORES:
                values = [fold[f"{rule}/{score}"] for fold in folds]
                metrics |= {f"{rule}/{score}/{name}": value for name, value in _summary(values).items()}
        now = int(time.time() * 1000)
        self._log(run_id, [Metric(name, value, now, len(folds)) for name, value in metrics.items()])

    # ------------------------------------------------------------------ the store

    def _experiment(self, name: str) -> str:
        if found := self.client.get_experiment_by_name(name):
            return str(found.experiment_id)
        try:
            return self.client.create_experiment(name, tags=EXPERIMENT_TAGS)
        except MlflowException:
            if found := self.client.get_experiment_by_name(name):  # another ledger's sweep was quicker
                return str(found.experiment_id)
            raise

    def _create(self, name: str, tags: Mapping[str, str], params: Mapping[str, str]) -> Run:
        run = self.client.create_run(self.experiment, tags=dict(tags), run_name=name)
        self.client.log_batch(run.info.run_id, params=[Param(key, value) for key, value in params.items()])
        return run

    def _log(self, run_id: str, metrics: Sequence[Metric]) -> None:
        for start in range(0, len(metrics), _BATCH):
            self.client.log_batch(run_id, metrics=metrics[start : start + _BATCH])

    def _runs(self, tags: Mapping[str, str], *, finished: bool = False) -> list[Run]:
        """All runs with exactly these tags, the newest first."""
        conditions = [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
        conditions += ["attributes.status = 'FINISHED'"] if finished else []
        runs: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs([self.experiment], " and ".join(conditions), page_token=token)
            runs += page
            if not (token := page.token):
                return runs

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time write to an SQLite file, or what comes from this ledger to another store.

        So parents stay single, and no writer meets a locked database.
        """
        database = _sqlite_file(self.uri)
        lock = database.with_name(f".{database.name}.lock") if database else self.ledger.root / ".delivery.lock"
        with FileLock(lock, timeout=_PATIENCE):
            yield


_IDENTITY = ("dataset", "ablation", "seed", "protocol", "trainer", "reverse", "config_hash")
"""Tags that tell parents apart."""


def _variant_tags(what: Mapping[str, Any]) -> dict[str, str]:
    tags = {key: str(what[key]) for key in ("dataset", "ablation", "seed", "reverse", "config_hash", "n_folds")}
    tags |= {"protocol": what["protocol"]["name"], "trainer": what["trainer"]["name"]}
    return tags | ({"study": what["study"]} if what["study"] else {})


def _about(what: Mapping[str, Any]) -> str:
    """What the MLflow UI shows as the description of a run."""
    removed = "nothing removed" if what["ablation"] == "none" else f"`{what['ablation']}`"
    how = f"protocol={what['protocol']['name']}, trainer={what['trainer']['name']}, seed {what['seed']}"
    return f"Pattern Learning Block network, {removed}, on {what['dataset']}: {what['n_folds']} folds, {how}."


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Settings as MLflow parameters, for example ``trainer.epochs``."""
    flat: dict[str, str] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{prefix}{key}.") if isinstance(item, Mapping) else {f"{prefix}{key}": str(item)}
    return flat


def _summary(values: Sequence[float]) -> dict[str, float]:
    series = pd.Series(values)
    summary = {"max": series.max(), "min": series.min(), "mean": series.mean(), "std": series.std()}
    return {name: float(value) for name, value in summary.items() if not math.isnan(value)}


def _absolute(uri: str) -> str:
    """The address with a relative SQLite file made absolute."""
    file = _sqlite_file(uri)
    return f"sqlite:///{file}" if file else uri


def _sqlite_file(uri: str) -> Path | None:
    database = make_url(uri).database if uri.startswith("sqlite:") else None
    return Path(database).resolve() if database else None


def _prepare_sqlite(uri: str) -> None:
    """Let readers and writers of an SQLite store work at the same time (write-ahead log, kept in the file)."""
    if uri.startswith("sqlite:"):
        engine = create_engine(uri)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=wal")
        engine.dispose()


@contextmanager
def _store_errors(uri: str) -> Iterator[None]:
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StoreError(
            f"the MLflow store tracking.uri={hide_credentials(uri)} cannot be used: {hide_credentials(reason, uri)}\n"
            "Results stay in the ledger. Start the store or name another one, then run `python -m plb_ablate.sync`."
        ) from error
