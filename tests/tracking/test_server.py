"""A real MLflow server on a real PostgreSQL, both started here, with two sweeps that upload at the same time."""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from plb_ablate.config.compose import compose_config
from plb_ablate.config.schema import Config
from plb_ablate.ledger.store import Ledger
from tests.conftest import SMOKE, CommandLine
from tests.results_helper import finish, planned
from tests.tracking.servers import SBIN, free_port, server
from tests.tracking.test_mlflow_writer import stored

FOUND = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
POSTGRES = FOUND[-1].parent if FOUND else Path(os.devnull)
USER = "postgres" if os.geteuid() == 0 else None

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not FOUND, reason="tests/orchestration/slurm/install.sh installs PostgreSQL"),
]

SECRET = "canary-51d0ae"


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Address of an empty PostgreSQL database; its password is in the file that PGPASSFILE names."""
    folder, port = Path(tempfile.mkdtemp(prefix="postgres-")), free_port()
    if USER:
        shutil.chown(folder, USER)
    (folder / "password").write_text(SECRET)
    (folder / "password").chmod(0o644)
    (folder / "pgpass").write_text(f"127.0.0.1:{port}:*:mlflow:{SECRET}\n")
    (folder / "pgpass").chmod(0o600)
    options = ["--auth=scram-sha-256", "--username=mlflow", f"--pwfile={folder / 'password'}", "--no-sync"]
    initdb = [str(POSTGRES / "initdb"), f"--pgdata={folder / 'data'}", "--encoding=UTF8", "--locale=C", *options]
    subprocess.run(initdb, check=True, capture_output=True, user=USER, cwd=folder, timeout=60)
    command = [str(POSTGRES / "postgres"), "-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port)]
    ask = [str(POSTGRES / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
    with (
        server(
            [*command, "-k", str(folder)],
            folder,
            os.environ,
            lambda: subprocess.run(ask, capture_output=True, check=False).returncode == 0,
            user=USER,
        ),
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        monkeypatch.setenv("PGPASSFILE", str(folder / "pgpass"))
        yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/postgres"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def address(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an MLflow server on that database, which keeps artifacts too."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    uri = f"http://127.0.0.1:{port}"
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PATH": f"{SBIN}"}
    mlflow = str(Path(sys.executable).parent / "mlflow")
    options = [f"--backend-store-uri={database}", f"--artifacts-destination={folder / 'artifacts'}"]

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    command = [mlflow, "server", *options, "--host=127.0.0.1", f"--port={port}", "--workers=2"]
    with server(command, folder, environment, answers):
        yield uri


@pytest.fixture
def lab(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server's address, and credentials as a user exports them."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "someone")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
    return address


def settings(corpus: Path, seed: int) -> list[str]:
    return ["tracking=server", f"dataset.root={corpus}", *SMOKE, f"seed={seed}", f"ledger=ledger{seed}"]


def finished_study(corpus: Path, folder: Path, seed: int) -> Config:
    """A ledger in which both cells of a study are done."""
    config = compose_config(settings(corpus, seed))
    config.cache, config.ledger = str(folder / "cache"), str(folder / f"ledger{seed}")
    prepared, cells = planned(config)
    for cell in cells:
        finish(Ledger(Path(config.ledger)), cell, prepared, seed=cell.fold)
    return config


def test_two_sweeps_upload_at_once_and_the_report_reads_them(
    lab: str, commands: CommandLine, small_corpus: Path
) -> None:
    configs = [finished_study(small_corpus, commands.folder, seed) for seed in (1, 2)]
    with ExitStack() as end:
        sweeps = [commands.start(*settings(small_corpus, seed)) for seed in (1, 2)]
        for sweep in sweeps:
            end.callback(sweep.kill)
        said = [sweep.communicate(timeout=150)[0] for sweep in sweeps]
    assert [sweep.returncode for sweep in sweeps] == [0, 0], said
    assert all("2 already done" in words for words in said)
    runs = stored(configs[0])
    assert [run["status"] for run in runs] == ["FINISHED"] * 6
    assert sorted((run["tags"]["seed"], run["tags"].get("fold")) for run in runs if run["tags"]["level"] == "fold") == [
        ("1", "0"),
        ("1", "1"),
        ("2", "0"),
        ("2", "1"),
    ]
    assert all("weights.weights.h5" in run["artifacts"] for run in runs if run["tags"]["level"] == "fold")
    report = commands.run("--tracking-uri", lab, module="plb_ablate.report")
    assert report.returncode == 0, report.stderr
    assert (commands.folder / "reports" / "synthetic.md").exists()
    written = [file for file in commands.folder.rglob("*") if file.is_file()]
    assert len(written) > 20
    assert [file for file in written if SECRET.encode() in file.read_bytes()] == []
    assert SECRET not in "".join(said) + report.stdout + report.stderr
