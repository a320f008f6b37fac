"""Fills a real MLflow store with the runs of a study, laid out as the tracker lays them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric

MODULES = {
    "forward": 1416,
    "backward": 1416,
    "cbam": 4294,
    "attention": 1,
    "dilated": 37300,
    "dwscnn": 25600,
    "capsule_gate": 102,
    "layer_norm": 128,
    "routing": 24576,
    "classifier": 455,
}
GONE: dict[str, tuple[str, ...]] = {
    "dwscnn": ("dwscnn",),
    "cbam": ("cbam",),
    "spa": ("capsule_gate",),
    "sa": ("layer_norm",),
    "routing": ("routing",),
    "spa_published": ("forward", "capsule_gate"),
    "routing_undilated": ("routing",),
    "forward_only": ("backward",),
    "backward_only": ("forward",),
}
RULES = {
    "published": ("best_test", "last"),
    "nested": ("best_test", "best_validation", "last"),
    "speaker": ("best_test", "best_validation", "last"),
}


@dataclass
class Sweep:
    """Writes runs that differ in what a test names, and in nothing else."""

    uri: str
    experiment: str = "plb_ablate"
    dataset: str = "emodb"
    protocol: str = "published"
    trainer: str = "demo"
    reverse: str = "coefficient"
    config_hash: str = "0123456789abcdef"
    git_commit: str = "c0ffee0" + "0" * 33
    n_test: int = 50
    client: MlflowClient = field(init=False)
    clock: int = 1_700_000_000_000

    def __post_init__(self) -> None:
        self.client = MlflowClient(self.uri)
        found = self.client.get_experiment_by_name(self.experiment)
        self.experiment_id = found.experiment_id if found else self.client.create_experiment(self.experiment)

    def variant(
        self,
        ablation: str,
        scores: Sequence[float] | Mapping[int, float],
        *,
        seed: int = 42,
        n_folds: int = 10,
        status: str = "FINISHED",
        modules: Mapping[str, int] | None = None,
    ) -> str:
        """Write a parent and a child per score (a list is folds 0, 1, ...); give the parent's run id."""
        folds = dict(scores) if isinstance(scores, Mapping) else dict(enumerate(scores))
        parent = self.parent(ablation, seed=seed, n_folds=n_folds, modules=modules)
        for fold, score in folds.items():
            self.child(ablation, fold, score, seed=seed, n_folds=n_folds, parent=parent, status=status)
        return parent

    def parent(
        self, ablation: str, *, seed: int = 42, n_folds: int = 10, modules: Mapping[str, int] | None = None
    ) -> str:
        """Write one parent run."""
        kept = modules or modules_of(ablation)
        metrics = {f"params/module/{name}": float(count) for name, count in kept.items()}
        metrics |= {"params/total": float(sum(kept.values())), "params/trainable": float(sum(kept.values()))}
        return self._run({"level": "config"} | self._tags(ablation, seed, n_folds), metrics, "FINISHED")

    def child(
        self,
        ablation: str,
        fold: int,
        score: float,
        *,
        seed: int = 42,
        n_folds: int = 10,
        parent: str = "",
        status: str = "FINISHED",
        cell: str | None = None,
        gap: float = 0.02,
        loss: float = 0.5,
        predicted_classes: int = 2,
    ) -> str:
        """Write one fold run: `score` on best_test, lower by `gap` on best_validation, by twice `gap` on the last."""
        tags = {"level": "fold", "mlflow.parentRunId": parent, "fold": str(fold), "classes": '["a", "b"]'}
        tags |= self._tags(ablation, seed, n_folds)
        tags["cell"] = cell or hashlib.sha256(repr(sorted(tags.items())).encode()).hexdigest()[:16]
        metrics = {"seconds": 12.5, "n_train": 9.0 * self.n_test, "n_validation": 0.0, "n_test": float(self.n_test)}
        metrics |= {"train/loss": loss, "test/wa": 0.5}
        for rule in RULES[self.protocol]:
            value = score - gap * ("best_test", "best_validation", "last").index(rule)
            values = {"score": value, "wa": value - 0.001, "ua": value - 0.01, "macro_f1": value - 0.02, "epoch": 3.0}
            values["predicted_classes"] = predicted_classes
            metrics |= {f"{rule}/{name}": number for name, number in values.items()}
        return self._run(tags, metrics, status)

    def _tags(self, ablation: str, seed: int, n_folds: int) -> dict[str, str]:
        versions = dict.fromkeys(("python", "tensorflow", "keras", "librosa", "numpy", "plb_ablate"), "1.2.3")
        return versions | {
            "dataset": self.dataset,
            "ablation": ablation,
            "seed": str(seed),
            "protocol": self.protocol,
            "trainer": self.trainer,
            "reverse": self.reverse,
            "config_hash": self.config_hash,
            "n_folds": str(n_folds),
            "git_commit": self.git_commit,
            "hardware": "2 cores",
        }

    def _run(self, tags: dict[str, str], metrics: Mapping[str, float], status: str) -> str:
        self.clock += 1000
        run = self.client.create_run(self.experiment_id, start_time=self.clock, tags=tags)
        batch = [Metric(name, value, self.clock, 0) for name, value in metrics.items()]
        self.client.log_batch(run.info.run_id, metrics=batch)
        if status != "RUNNING":
            self.client.set_terminated(run.info.run_id, status, end_time=self.clock + 500)
        return str(run.info.run_id)


def modules_of(ablation: str) -> dict[str, int]:
    """Give the parameters of each module of a variant, for 7 classes."""
    parts = ablation.split("+")
    gone = {module for name in parts for module in GONE.get(name, ())}
    gone |= {"capsule_gate"} if {"dwscnn", "sa"} <= set(parts) else set()
    return {name: count for name, count in MODULES.items() if name not in gone}


def sqlite_uri(path: Path) -> str:
    """Give the tracking URI of a SQLite file."""
    return f"sqlite:///{path}"
