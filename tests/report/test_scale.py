import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.report.bulk import DATASETS, VARIANTS, fill

MEASURED = """
import json, resource, sys
from plb_ablate.bench.isolated_process import peak_resident_mb
from plb_ablate.report.__main__ import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([code, used.ru_utime + used.ru_stime, peak_resident_mb() * 1e6 / 2**30]))
"""


SEEDS = 3, 12
"""Seeds of the small and of the large store."""


def reported(store: Path, out: Path, seeds: int) -> tuple[float, float]:
    """Fill a copy of an empty store, report it; processor seconds and peak memory in GiB."""
    written = fill(store, seeds=seeds)
    assert written == seeds * 10 * len(VARIANTS) * len(DATASETS)
    command = [sys.executable, "-c", MEASURED, "--tracking-uri", f"sqlite:///{store}", "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=store.parent)
    code, seconds, gibibytes = json.loads(ended.stdout.splitlines()[-1])
    print(f"{written} fold runs: {seconds:.1f} s of processor time, {gibibytes:.2f} GiB")
    assert code == 0
    assert sorted(path.stem for path in out.glob("*.md")) == list(DATASETS)
    return seconds, gibibytes


@pytest.mark.slow
def test_the_report_of_ten_thousand_folds_needs_a_gibibyte_and_grows_no_faster_than_they_do(
    empty_store: Path, tmp_path: Path
) -> None:
    """Time is a ratio within one run, since processors differ; seconds are for `make bench`."""
    found = []
    for seeds in SEEDS:
        folder = tmp_path / str(seeds)
        folder.mkdir()
        shutil.copy(empty_store, folder / "mlflow.db")
        found.append(reported(folder / "mlflow.db", folder / "r", seeds))
    (small, _), (large, gibibytes) = found
    assert large / small < SEEDS[1] / SEEDS[0]
    assert gibibytes < 1
