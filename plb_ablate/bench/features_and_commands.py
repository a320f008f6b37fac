"""Time of feature extraction and of commands."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from plb_ablate.bench.isolated_process import BenchError
from plb_ablate.bench.measurement import Measurement
from plb_ablate.config.features import PUBLISHED, FeatureSettings

__all__ = ["measure_commands", "measure_features"]

STORE = "report of the store's runs"


def measure_features(
    paths: Sequence[Path], settings: FeatureSettings = PUBLISHED, *, on_start: Callable[[str], None]
) -> list[Measurement]:
    """Extract features into an empty cache twice (the first time starts workers), then read them from the cache."""
    from plb_ablate.features.coefficients import features_of
    from plb_ablate.features.extraction import extract

    on_start(f"features of {len(paths)} recordings")
    features_of(paths[0], settings)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for cache in ("cold", "warm", "warm"):
            begin = time.perf_counter()
            extract(paths, cache=Path(folder) / cache, settings=settings, progress=False)
            seconds.append(time.perf_counter() - begin)
    cold, warm, cached = (len(paths) / value for value in seconds)
    return [
        Measurement("features", "computed, first call", cold, "recordings/s"),
        Measurement("features", "computed", warm, "recordings/s", warm / cold, "first call"),
        Measurement("features", "from the cache", cached, "recordings/s", cached / warm, "computed"),
    ]


def measure_commands(uri: str | None, experiment: str, *, on_start: Callable[[str], None]) -> list[Measurement]:
    """Time commands from start to end: ``--help``, the report of the published folds, and the report of a store.

    Parameters
    ----------
    uri : str or None
        Address of the MLflow store, if there is one; a store without runs is skipped.
    experiment : str
    on_start : callable
        Called with the name of each measurement before it starts.
    """
    report, measurements = ["plb_ablate.report", "--out"], []
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "plb_ablate --help": ["plb_ablate", "--help"],
            "report of the published folds": [*report, folder, "--published"],
        }
        if uri:
            commands[STORE] = [*report, folder, "--tracking-uri", uri, "--experiment", experiment]
        for name, arguments in commands.items():
            on_start(name)
            begin = time.perf_counter()
            done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True)
            if done.returncode == 0:
                measurements.append(Measurement("command", name, time.perf_counter() - begin, "s"))
            elif name != STORE:  # a store without runs is not a failure
                raise BenchError(f"python -m {' '.join(arguments)} failed:\n{done.stderr}")
    return measurements
