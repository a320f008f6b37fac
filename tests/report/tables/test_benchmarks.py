"""Measurements of inference and memory in the report, read from a store that another process could have written."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from plb_ablate.bench.bench_model import Subject
from plb_ablate.bench.mlflow_log import track
from plb_ablate.config.schema import Tracking
from plb_ablate.models.family import Network
from plb_ablate.models.plb.family import PLB
from plb_ablate.report.tables.benchmarks import inference_table, memory_table, read_measurements
from plb_ablate.report.tables.render import to_markdown
from plb_ablate.tracking.store import open_store


@pytest.fixture
def tracking(empty_store: Path, tmp_path: Path) -> Tracking:
    file = tmp_path / "mlflow.db"
    file.write_bytes(empty_store.read_bytes())
    tracking = Tracking(f"sqlite:///{file}", "plb_ablate")
    MlflowClient(tracking.uri).create_experiment(tracking.experiment, artifact_location=(tmp_path / "a").as_uri())
    return tracking


def measured(ablation: str = "none", dataset: str = "ravdess") -> Subject:
    return Subject(Path(), [], Network(PLB, 8, (196, 39, 1), ablation), ablation, dataset, 0, "")


def row(runtime: str, mean: float) -> dict[str, object]:
    latency = {"mean": mean, "p50": mean - 1, "p95": mean + 1}
    return {"runtime": runtime, "device": "CPU", "threads": 2, "utterances": 5, "network": latency, "mfcc": latency}


def test_the_latest_measurement_of_a_variant_stands_above_the_published_times(tracking: Tracking) -> None:
    track(tracking, "inference", measured(), {"inference": [row("LiteRT", 9.0)]})
    track(tracking, "inference", measured(), {"inference": [row("LiteRT", 5.25), row("TensorFlow", 7.5)]})
    track(tracking, "inference", measured(dataset="emodb"), {"inference": [row("LiteRT", 99.0)]})
    found = read_measurements(open_store(str(tracking.uri)), tracking.experiment, "ravdess")
    lines = to_markdown(inference_table(found["inference"], "ravdess")).splitlines()
    (ours,) = [line for line in lines if "LiteRT, CPU, 2 threads" in line]
    assert "|5.25|4.25|6.25|5.25|" in ours
    assert sum("2 threads" in line for line in lines) == 2
    assert any("i7-12700K|as published|45.45|" in line for line in lines)
    assert "99.00" not in "".join(lines)


def test_memory_stands_above_the_published_row(tracking: Tracking) -> None:
    peaks = {"resident_mb": 812.4, "runtime_mb": 500.0, "gpu_mb": None}
    found = {"params": 95_353, "weights_mb": 0.44, "training": peaks, "inference LiteRT": peaks}
    track(tracking, "memory", measured(), {"memory": found})
    runs = read_measurements(open_store(str(tracking.uri)), tracking.experiment, "ravdess")["memory"]
    lines = to_markdown(memory_table(runs)).splitlines()
    assert any("|95,353|0.440|812|–|812|–|" in line for line in lines)
    assert any("as published|95K|0.434|" in line and line.endswith("|0.627|") for line in lines)
