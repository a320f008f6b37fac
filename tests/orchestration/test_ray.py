"""A sweep of two cells on a Ray that Hydra's launcher starts and stops; needs the extra `ray`."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import SMOKE, CommandLine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("hydra_plugins.hydra_ray_launcher") is None, reason="pip install '.[ray]' brings Ray"),
]


def test_ray_trains_a_sweep(commands: CommandLine, small_corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    local = "+hydra.launcher.ray.init._node_ip_address=127.0.0.1"
    done = commands.run(
        "-m", "hydra/launcher=ray", local, f"dataset.root={small_corpus}", *SMOKE, "ablation=sa", "fold=0,1"
    )
    assert done.returncode == 0, done.stderr
    assert "[2/2]" in done.stderr
    assert len(list(commands.folder.glob("ledger/*/result"))) == 2
    assert "ConfigStore" not in done.stderr
