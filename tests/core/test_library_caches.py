"""Libraries find a cache folder also where neither the installation nor the home folder can be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import plb_ablate

CODE = """
import os
from plb_ablate.features.coefficients import _librosa
from plb_ablate.tracking import cell_figures
_librosa().stft
print(os.environ["NUMBA_CACHE_DIR"], os.environ["MPLCONFIGDIR"])
"""

READ_ONLY = """
mount --bind {0} {0} && mount -o remount,ro,bind {0} &&
mount --bind {1} {1} && mount -o remount,ro,bind {1} && exec "$@"
"""


def test_a_read_only_installation_and_home_folder_are_no_obstacle(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting folders read-only is not permitted here")
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    folders = sorted({sys.prefix, str(Path(plb_ablate.__file__).parents[1])}, key=len)
    mounts = READ_ONLY.format(folders[0], home)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "NUMBA_", "MPLC"))}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mounts, "sh", sys.executable, "-c", CODE],
        env=environment | {"HOME": str(home), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    mine = temporary / f"plb_ablate-{os.getuid()}"
    assert done.stdout.split() == [f"{mine}/numba", f"{mine}/matplotlib"]
    assert mine.stat().st_mode & 0o777 == 0o700
