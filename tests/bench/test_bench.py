"""Measurements in processes of their own; the numbers are the machine's, the rest is checked."""

import json
import os
from pathlib import Path

import pytest

from plb_ablate.bench.__main__ import MEASURES, main
from plb_ablate.bench.epochs import measure_epochs
from plb_ablate.bench.features_and_commands import measure_commands, measure_features
from plb_ablate.bench.isolated_process import BenchError, peak_resident_mb, run_alone, run_beside
from plb_ablate.bench.measurement import Measurement
from tests.conftest import CommandLine


def allocate(megabytes: int) -> float:
    block = bytearray(megabytes * 1_000_000)
    block[::4096] = b"x" * len(block[::4096])
    return peak_resident_mb()


def identify(number: int) -> tuple[int, int, str | None]:
    return number, os.getpid(), os.environ.get("OMP_NUM_THREADS")


def fail() -> None:
    raise ValueError("nothing to measure")


def die() -> None:
    os._exit(3)


def test_processes_are_new_and_keep_their_order() -> None:
    found = run_beside(identify, [(1,), (2,)], threads=3, tensorflow=False)
    assert [number for number, _, _ in found] == [1, 2]
    assert len({pid for _, pid, _ in found} | {os.getpid()}) == 3
    assert {threads for _, _, threads in found} == {"1"}


def test_peak_memory_is_that_of_the_process_alone() -> None:
    before = bytearray(300_000_000)
    before[::4096] = b"x" * len(before[::4096])
    small, large = (run_alone(allocate, size, threads=1, tensorflow=False) for size in (1, 200))
    assert large - small == pytest.approx(199, rel=0.15)
    assert small < 290


@pytest.mark.parametrize(("broken", "message"), [(fail, "nothing to measure"), (die, "its process died")])
def test_a_failed_measurement_says_why(broken: object, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        run_alone(broken, threads=1, tensorflow=False)  # type: ignore[arg-type]


def test_features_are_compared_with_the_cache(small_corpus: Path) -> None:
    _, computed, cached = measure_features(sorted(small_corpus.rglob("*.wav")), on_start=lambda _: None)
    assert computed == Measurement("features", "computed", computed.value, "recordings/s", computed.ratio, "first call")
    assert cached.ratio == pytest.approx(cached.value / computed.value)
    assert cached.value > computed.value


@pytest.mark.slow
def test_an_epoch_is_timed_with_its_parts() -> None:
    first, epoch, scoring, outside = measure_epochs(2, 1, on_start=lambda _: None)
    assert epoch.setting.startswith("32 + 32 utterances")
    assert first.value > epoch.value > scoring.value > outside.value > 0
    assert scoring.ratio == pytest.approx(scoring.value / epoch.value)


def test_commands_are_timed_and_an_empty_store_is_left_out(tmp_path: Path) -> None:
    measured = measure_commands(f"sqlite:///{tmp_path}/none.db", "plb_ablate", on_start=lambda _: None)
    assert [measurement.setting for measurement in measured] == ["plb_ablate --help", "report of the published folds"]


def test_unknown_measurements_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed"]) == 2
    said = capsys.readouterr().err
    assert "speed" in said
    assert all(name in said for name in MEASURES)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_inference_and_memory_are_measured_and_tracked(
    small_corpus: Path, empty_store: Path, tmp_path: Path, commands: CommandLine
) -> None:
    from mlflow import MlflowClient

    from tests.export.trained import store_with_models

    config, runs = store_with_models(small_corpus, tmp_path, empty_store)
    settings = [f"dataset.root={small_corpus}", f"run={runs[0]}", "--limit", "5", "--threads", "1,2", "--json"]
    done = commands.run("inference", "memory", *settings, module="plb_ablate.bench", timeout=900)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(row["runtime"], row["threads"]) for row in found["inference"] if row["device"] == "CPU"] == [
        ("TensorFlow", 1),
        ("LiteRT", 1),
        ("TensorFlow", 2),
        ("LiteRT", 2),
    ]
    for row in found["inference"]:
        assert row["utterances"] == 5
        assert 0 < row["network"]["p50"] <= row["network"]["p95"]
        assert row["mfcc"]["mean"] > 0
    memory = found["memory"]
    assert memory["params"] == 95_093
    assert memory["weights_mb"] == pytest.approx(0.43, abs=0.1)
    assert memory["training"]["resident_mb"] > memory["inference TensorFlow"]["resident_mb"]
    assert memory["worker"]["resident_mb"] > memory["worker"]["runtime_mb"]
    assert memory["worker"]["runtime_mb"] < memory["training"]["runtime_mb"], "a worker imports less"
    run = MlflowClient(config.tracking.uri).get_run(found["inference_run"])
    assert run.data.tags["level"] == "inference"
    assert run.data.tags["mlflow.parentRunId"] == runs[0]
    assert run.data.tags["hardware"]
    first = found["inference"][0]
    assert run.data.metrics["inference/TensorFlow/CPU/1 threads/network/mean"] == first["network"]["mean"]
