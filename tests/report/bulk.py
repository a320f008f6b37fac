"""Fills an MLflow database with thousands of runs, row by row: through MLflow's client it would take an hour."""

import hashlib
import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from plb_ablate.models.plb.family import PLB
from plb_ablate.tracking.predictions_file import PREDICTIONS_FILE, packed
from plb_ablate.training.metrics import SCORES
from tests.report.store import modules_of

UTTERANCES, SPEAKERS, CLASSES = 540, 10, 7

DATASETS = ("emodb", "iemocap", "ravdess")
RULES = ("best_test", "best_validation", "last")
VARIANTS = tuple(sorted(set(PLB.networks) - set(PLB.named_variants), key=PLB.row_order))
CURVES = ("train/loss", "train/accuracy", "test/loss", "test/wa", "test/score", "validation/loss", "validation/wa")
SHARED = ("python", "tensorflow", "keras", "librosa", "numpy", "plb_ablate", "mlflow", "hardware", "host", "git_commit")


class Bulk:
    """Writes the rows of runs into the tables of an MLflow database."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)
        self.random, self.numbers = random.Random(98), np.random.default_rng(98)
        self.artifacts = path.parent / "artifacts"
        self.clock = 1_700_000_000_000
        self.connection.execute(
            "insert into experiments (experiment_id, name, artifact_location, lifecycle_stage) "
            "values (7, 'plb_ablate', ?, 'active')",
            (str(self.artifacts),),
        )

    def run(self, tags: Mapping[str, str], metrics: Mapping[str, float]) -> str:
        run_id, self.clock = f"{self.random.getrandbits(128):032x}", self.clock + 1
        run = (run_id, "FINISHED", self.clock, self.clock, "active", str(self.artifacts / run_id), 7, "")
        names = "run_uuid, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id, user_id"
        self.connection.execute(f"insert into runs ({names}) values (?, ?, ?, ?, ?, ?, ?, ?)", run)
        params = {f"setting.{i}": "1" for i in range(28)}
        for table, rows in (("tags", tags), ("params", params)):
            values = [(name, value, run_id) for name, value in rows.items()]
            self.connection.executemany(f"insert into {table} (key, value, run_uuid) values (?, ?, ?)", values)
        self.connection.executemany(
            "insert into latest_metrics (key, value, timestamp, step, is_nan, run_uuid) values (?, ?, ?, 0, 0, ?)",
            [(name, value, self.clock, run_id) for name, value in metrics.items()],
        )
        return run_id

    def variant(self, tags: dict[str, str], cost: float) -> int:
        modules = modules_of(tags["ablation"])
        counts = {f"params/module/{name}": float(count) for name, count in modules.items()}
        counts |= {"params/total": float(sum(modules.values())), "params/trainable": float(sum(modules.values()))}
        counts |= {f"{rule}/{m}/{s}": 0.5 for rule in RULES for m in SCORES for s in ("max", "min", "mean", "std")}
        parent = self.run(tags | {"level": "config"}, counts)
        self.predictions(parent, 0.8 - cost)
        for fold in range(10):
            metrics = {f"{r}/{m}": 0.8 - cost + self.random.gauss(0, 0.02) for r in RULES for m in SCORES}
            metrics |= {f"{rule}/epoch": 299.0 for rule in RULES} | dict.fromkeys(CURVES, 0.5)
            metrics |= {"seconds": 10.0, "n_train": 432.0, "n_validation": 54.0, "n_test": 53.0 + (fold < 5)}
            cell = hashlib.sha256(f"{tags} {fold}".encode()).hexdigest()[:20]
            own = {"level": "fold", "fold": str(fold), "cell": cell, "mlflow.parentRunId": parent}
            self.run(tags | own | {"headline": "best_validation", "classes": "[]"}, metrics)
        return 10

    def predictions(self, run_id: str, accuracy: float) -> None:
        """Write the file of a variant's predictions, as the tracker does."""
        places = np.arange(UTTERANCES)
        labels = (places % CLASSES).astype(np.uint8)
        table = {
            "path": np.char.add("wav/", places.astype(str)),
            "speaker": (places % SPEAKERS).astype(str),
            "fold": (places % 10).astype(np.int16),
            "label": labels,
            "classes": np.arange(CLASSES).astype(str),
        }
        for rule in RULES:
            right = self.numbers.random(UTTERANCES) < accuracy
            table[f"predicted/{rule}"] = np.where(right, labels, (labels + 1) % CLASSES).astype(np.uint8)
        folder = self.artifacts / run_id
        folder.mkdir(parents=True)
        (folder / PREDICTIONS_FILE).write_bytes(packed(table))


def fill(path: Path, seeds: int, datasets: Sequence[str] = DATASETS, variants: Sequence[str] = VARIANTS) -> int:
    """Write `seeds` seeds of variants, by default all combinations of removals; give the number of fold runs."""
    bulk, written = Bulk(path), 0
    with closing(bulk.connection) as connection, connection:
        for dataset in datasets:
            costs = {name: 0.0 if name == "none" else bulk.random.gauss(0.02, 0.03) for name in variants}
            for seed in range(seeds):
                for name, cost in costs.items():
                    tags = {"dataset": dataset, "ablation": name, "seed": str(seed), "protocol": "nested"}
                    tags |= {"trainer": "published", "reverse": "coefficient", "n_folds": "10"}
                    tags |= {"config_hash": dataset.ljust(20, "0")} | dict.fromkeys(SHARED, "1.2.3")
                    written += bulk.variant(tags, cost)
    return written
