"""What surrounds the training: features, the start of the command line, the report."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from plb_ablate.bench import Figure

__all__ = ["measure_commands", "measure_features"]


def measure_features(paths: Sequence[Path], *, on_start: Callable[[str], None]) -> list[Figure]:
    """Extract the features of recordings into an empty cache, twice (the first starts workers), then read them back."""
    from plb_ablate.features import extract
    from plb_ablate.mfcc import mfcc

    on_start(f"features of {len(paths)} recordings")
    mfcc(paths[0])
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for cache in ("cold", "warm", "warm"):
            begin = time.perf_counter()
            extract(paths, cache=Path(folder) / cache, progress=False)
            seconds.append(time.perf_counter() - begin)
    cold, warm, cached = (len(paths) / value for value in seconds)
    return [
        Figure("features", "computed, first call", cold, "recordings/s"),
        Figure("features", "computed", warm, "recordings/s", warm / cold, "first call"),
        Figure("features", "from the cache", cached, "recordings/s", cached / warm, "computed"),
    ]


def measure_commands(*, on_start: Callable[[str], None]) -> list[Figure]:
    """Time commands from start to end: ``--help``, and the report of the published folds."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in {
            "start": ["plb_ablate", "--help"],
            "report": ["plb_ablate.report", "--published", "--out", folder],
        }.items():
            on_start(name)
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-m", *arguments], check=True, capture_output=True, cwd=folder)
            figures.append(Figure(name, " ".join(arguments[:2]), time.perf_counter() - begin, "s"))
    return figures
