"""One rule that names the store, where its artifacts lie, and what is said of a store that cannot be used."""

import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from plb_ablate.config.compose import compose_config
from plb_ablate.config.schema import Config, Tracking
from plb_ablate.core.credentials import STORE_VARIABLE
from plb_ablate.core.errors import StoreError
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.report.__main__ import main as report
from plb_ablate.sync import main as sync
from plb_ablate.tracking.mlflow_reader import artifacts_of, read_texts
from plb_ablate.tracking.mlflow_writer import Tracker
from plb_ablate.tracking.sqlite_store import moved_artifacts, use_write_ahead_log
from plb_ablate.tracking.store import check_store, describe, open_store
from tests.conftest import SMOKE, CommandLine
from tests.results_helper import a_config, finish, planned

PAGE = Path(__file__).parents[2] / "docs" / "tracking.md"


@pytest.fixture
def store(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store, and a working folder beside it."""
    monkeypatch.delenv(STORE_VARIABLE, raising=False)
    (tmp_path / "srv").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return Path(shutil.copy(empty_store, tmp_path / "srv" / "m.db"))


@pytest.fixture
def config(small_corpus: Path, tmp_path: Path, store: Path) -> Config:
    config = a_config(small_corpus, tmp_path / "work")
    config.tracking.uri = f"sqlite:///{store}"
    return config


@pytest.fixture
def entry(config: Config) -> LedgerEntry:
    prepared, cells = planned(config)
    return finish(Ledger(Path(config.ledger)), cells[0], prepared)


# ---------------------------------------------------------------------- which store


def test_a_setting_names_the_store_then_the_variable_then_the_default(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compose_config([]).tracking == Tracking()
    monkeypatch.setenv(STORE_VARIABLE, f"sqlite:///{store}")
    assert compose_config([]).tracking.uri == f"sqlite:///{store}"
    assert compose_config(["tracking=server"]).tracking.uri == f"sqlite:///{store}"
    assert compose_config(["tracking=local"]).tracking == Tracking()
    assert compose_config(["tracking.uri=sqlite:///x.db"]).tracking.uri == "sqlite:///x.db"


def test_every_command_uses_and_says_the_store_of_the_variable(
    config: Config, entry: LedgerEntry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(STORE_VARIABLE, str(config.tracking.uri))
    line = f"MLflow store: {config.tracking.uri} (named by {STORE_VARIABLE}), experiment plb_ablate\n"
    assert sync([]) == 0
    assert capsys.readouterr().err.startswith(line)
    assert report([]) == 0
    assert capsys.readouterr().err.startswith(line)
    assert sync(["--tracking-uri", "sqlite:///own.db"]) == 0
    assert capsys.readouterr().err.startswith(f"MLflow store: sqlite:///{Path.cwd()}/own.db, experiment")


def test_a_sweep_uses_and_says_the_store_of_the_variable(
    store: Path, commands: CommandLine, small_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORE_VARIABLE, f"sqlite:///{store}")
    done = commands.run("--dry-run", f"dataset.root={small_corpus}", *SMOKE)
    assert done.returncode == 0, done.stderr
    assert f"MLflow store: sqlite:///{store} (named by {STORE_VARIABLE}), experiment plb_ablate" in done.stdout


# ---------------------------------------------------------------------- where artifacts lie


def test_artifacts_lie_beside_the_database_and_not_in_the_working_folder(
    config: Config, entry: LedgerEntry, store: Path
) -> None:
    Tracker(config.tracking, Ledger(Path(config.ledger))).upload(entry)
    assert len(list((store.parent / "mlruns" / "plb_ablate").glob("*/artifacts/history.csv"))) == 1
    assert not (Path.cwd() / "mlruns").exists()


def test_a_store_that_was_copied_with_its_artifacts_reads_its_own(
    config: Config, entry: LedgerEntry, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Tracker(config.tracking, Ledger(Path(config.ledger))).upload(entry)
    shutil.copytree(store.parent, tmp_path / "copy")
    (history,) = (tmp_path / "copy").rglob("history.csv")
    history.write_text("of the copy")
    client = open_store(f"sqlite:///{tmp_path}/copy/m.db")
    assert read_texts(client, run, ("history.csv",)) == ["of the copy"]
    shutil.rmtree(store.parent)
    assert read_texts(client, run, ("history.csv",)) == ["of the copy"]
    with pytest.raises(StoreError, match="A store that was moved"):
        check_store(Tracking(client.tracking_uri))
    assert report(["--tracking-uri", client.tracking_uri, "--attach"]) == 3
    assert "was moved or copied" in capsys.readouterr().err
    assert not store.parent.exists()


def test_the_commands_of_the_page_correct_a_store_that_was_moved(
    config: Config, entry: LedgerEntry, store: Path, tmp_path: Path
) -> None:
    run = Tracker(config.tracking, Ledger(Path(config.ledger))).upload(entry)
    store.parent.rename(tmp_path / "new")
    script = re.search(r"## A store that was moved.*?<<.END.\n(.*?)    END\n", PAGE.read_text(), re.DOTALL)
    assert script
    code = (
        textwrap.dedent(script[1])
        .replace("/home/me/old", str(store.parent))
        .replace("/home/me/new", str(tmp_path / "new"))
    )
    code = code.replace("mlflow.db", "m.db")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "new", check=True)
    client = open_store(f"sqlite:///{tmp_path}/new/m.db")
    check_store(Tracking(client.tracking_uri))
    assert client.get_run(run).info.artifact_uri == artifacts_of(client, run)
    assert read_texts(client, run, ("history.csv",))


def test_artifacts_that_are_elsewhere_on_purpose_are_not_taken_for_moved(tmp_path: Path) -> None:
    file = tmp_path / "srv" / "m.db"
    (tmp_path / "work" / "mlruns" / "1").mkdir(parents=True)
    for location in (f"{tmp_path}/work/mlruns/1", "mlflow-artifacts:/1", "s3://bucket/mlruns/1", "/data/artifacts"):
        assert moved_artifacts(file, location) is None


# ---------------------------------------------------------------------- what is said


def schema(store: Path, version: str) -> None:
    with closing(sqlite3.connect(store)) as database, database:
        database.execute("update alembic_version set version_num = ?", (version,))


@pytest.mark.parametrize(
    ("version", "words"),
    [("ffffffffffff", ["is newer than", "pip install --upgrade mlflow"]), ("451aebb31d03", ["is older than"])],
)
def test_the_side_that_is_too_old_is_named(store: Path, version: str, words: list[str]) -> None:
    schema(store, version)
    for use in (lambda uri: check_store(Tracking(uri)), open_store):
        with pytest.raises(StoreError) as caught:
            use(f"sqlite:///{store}")
        assert all(word in str(caught.value) for word in words)
        assert (f"mlflow db upgrade sqlite:///{store}" in str(caught.value)) == ("is older than" in words)


def test_a_missing_driver_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, name, None)
    for uri in ("postgresql://me@127.0.0.1:1/none", "postgresql+psycopg2://me@127.0.0.1:1/none"):
        with pytest.raises(StoreError, match=r"postgresql\+psycopg2://.*pip install '\.\[postgres\]'"):
            check_store(Tracking(uri))
    with pytest.raises(StoreError, match="pip install pg8000"):
        open_store("postgresql+pg8000://me@127.0.0.1:1/none")


def test_a_store_without_write_ahead_log_is_used_and_a_note_says_so(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use_write_ahead_log(store)
    assert capsys.readouterr().err == ""
    with closing(sqlite3.connect(store)) as database:
        database.execute("PRAGMA journal_mode=delete")
    with closing(sqlite3.connect(store, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("select * from experiments").fetchall()
        use_write_ahead_log(store)
        assert "without SQLite's write-ahead log (database is locked)" in capsys.readouterr().err
    use_write_ahead_log(Path(":memory:"))
    assert "without SQLite's write-ahead log (memory)" in capsys.readouterr().err


def test_the_description_of_a_store_hides_credentials() -> None:
    assert describe(Tracking("postgresql://me@host/db", "x")) == "postgresql://***@host/db, experiment x"


@pytest.mark.parametrize(
    ("module", "arguments"), [("export", ["run=best", "dataset.root=none"]), ("bench", ["memory", "run=best"])]
)
def test_commands_that_read_a_run_say_the_store(
    module: str, arguments: list[str], store: Path, commands: CommandLine
) -> None:
    """In a process of their own, because TensorFlow's threads are set once in a process."""
    done = commands.run(*arguments, f"tracking.uri=sqlite:///{store}", module=f"plb_ablate.{module}")
    assert done.returncode == 3
    assert done.stderr.startswith(f"MLflow store: sqlite:///{store}, experiment plb_ablate\n")
