import json
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


@pytest.mark.slow
def test_ten_thousand_folds_are_reported_in_20_seconds_and_a_gibibyte(uri: str, tmp_path: Path) -> None:
    written = fill(tmp_path / "mlflow.db", seeds=12)
    assert written == 12 * 10 * len(VARIANTS) * len(DATASETS) > 10_000
    command = [sys.executable, "-c", MEASURED, "--tracking-uri", uri, "--out", str(tmp_path / "r")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    code, seconds, gibibytes = json.loads(ended.stdout.splitlines()[-1])
    print(f"{written} fold runs: {seconds:.1f} s of processor time, {gibibytes:.2f} GiB")
    assert code == 0
    assert sorted(path.stem for path in (tmp_path / "r").glob("*.md")) == list(DATASETS)
    assert seconds < 20
    assert gibibytes < 1
