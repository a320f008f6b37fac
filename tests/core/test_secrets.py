"""No command prints or saves a password, however it is written."""

import importlib
import os
from pathlib import Path

import pytest

from plb_ablate.core.credentials import STORE_VARIABLE, has_secret, hide_credentials, protect_secrets
from plb_ablate.core.errors import ConfigError
from tests.conftest import SMOKE, CommandLine

CANARY = "canary51d0"

SPECIAL = (
    "",
    "/",
    "#",
    "?",
    "@",
    "[",
    "]",
    ":",
    "%",
    "&",
    "=",
    ",",
    " ",
    "'",
    "%2F",
    "%23",
    "%3F",
    "%40",
    "%5B",
    "%3A",
)

FORMS = (
    "postgresql://me:{0}@host/db",
    "postgresql+psycopg2://me:{0}@127.0.0.1:5432/db?sslmode=require",
    "mysql+pymysql://me:{0}@host:3306/db",
    "http://me:{0}@host:5000",
    "https://{0}@host",
    "HTTPS://me:{0}@[::1]:5000/mlflow",
)

OTHERS = (
    f"postgresql://host/db?user=me&password={CANARY}",
    f"postgresql://me@host/db?sslpassword={CANARY}",
    f"postgresql://me@host/db?p%61ssword={CANARY}",
    f"https://host/mlflow?token={CANARY}",
    f"https://host/#access_token={CANARY}",
    f"mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BUID%3Dme%3BPWD%3D{CANARY}",
    f"postgresql://me%3A{CANARY}@host/db",
    f"postgresql://me:{CANARY}%40host/db",
    f"postgresql:me:{CANARY}@host/db",
    f"postgresql%3A//me:{CANARY}@host/db",
    f"postgresql\\://me\\:{CANARY}@host/db",
)

INNOCENT = (
    "sqlite:///mlflow.db",
    "sqlite:////srv/a@b:c/mlflow.db",
    "postgresql+psycopg2://mlflow@127.0.0.1:5432/mlflow",
    "postgresql://mlflow@host/db?sslmode=verify-full&sslkey=/k.pem&passfile=/home/me/.pgpass",
    "http://localhost:5000",
    "http://[::1]:5000/mlflow",
    "https://mlflow.lab.example/base?workspace=speech",
    "http://${oc.env:HOST}:5000",
    "databricks://scope:prefix",
)


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("form", FORMS)
def test_a_password_of_any_characters_is_recognised(form: str, special: str) -> None:
    address = form.format(f"x{special}{CANARY}")
    assert has_secret(address)
    for argument in (
        address,
        f"tracking.uri={address}",
        f"+tracking={{uri: '{address}'}}",
        f"--tracking-uri={address}",
    ):
        with pytest.raises(ConfigError) as caught:
            protect_secrets(["--dry-run", argument])
        assert CANARY not in str(caught.value)


@pytest.mark.parametrize("address", OTHERS)
def test_a_secret_elsewhere_in_the_address_is_recognised(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        protect_secrets([f"tracking.uri={address}"])
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("address", INNOCENT)
def test_an_address_without_a_secret_is_accepted(address: str) -> None:
    protect_secrets([f"tracking.uri={address}", address])


@pytest.mark.parametrize(
    "argument",
    [f"hydra.job.env_set.PGPASSWORD={CANARY}", f"+hydra.job.env_set={{MLFLOW_TRACKING_TOKEN: {CANARY}}}"],
)
def test_a_setting_that_would_save_a_password_is_refused(argument: str) -> None:
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_PASSWORD"):
        protect_secrets([argument])


@pytest.mark.parametrize(
    ("address", "kept", "variables"),
    [
        (
            "https://me:p%2Fw@host:5000/x",
            "https://host:5000/x",
            {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "p/w"},
        ),
        ("postgresql://me:p@/w@host/db", "postgresql://me@host/db", {"PGPASSWORD": "p@/w"}),
    ],
)
def test_a_secret_in_the_variable_is_handed_to_the_client_that_needs_it(
    address: str, kept: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in variables:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv(STORE_VARIABLE, address)
    protect_secrets([])
    assert os.environ[STORE_VARIABLE] == kept
    assert {name: os.environ[name] for name in variables} == variables


@pytest.mark.parametrize("address", [f"mysql://me:{CANARY}@host/db", f"https://{CANARY}@host", OTHERS[0], OTHERS[3]])
def test_a_secret_in_the_variable_that_no_client_can_be_handed_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORE_VARIABLE, address)
    with pytest.raises(ConfigError, match=STORE_VARIABLE) as caught:
        protect_secrets([])
    assert CANARY not in str(caught.value)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE_VARIABLE, "")
    protect_secrets([])
    assert STORE_VARIABLE not in os.environ


def test_a_secret_parameter_is_masked_in_messages() -> None:
    shown = hide_credentials(f"https://host/x?token={CANARY}&a=b and postgresql://h/d?user=me&sslpassword={CANARY}")
    assert shown == "https://host/x?token=***&a=b and postgresql://h/d?user=me&sslpassword=***"


ADDRESS = f"postgresql://me:x/#?@[{CANARY}@host/db"

SWEEPS = (["tracking.uri='{0}'"], ["-m", "seed=1,2", "tracking.uri={0}"], ["--dry-run", "tracking.uri={0}"])

COMMANDS = (
    ("sync", "--tracking-uri", ADDRESS),
    ("report.__main__", f"--tracking-uri={ADDRESS}"),
    ("report.__main__", f"tracking.uri={ADDRESS}"),
    ("ui", "--tracking-uri", ADDRESS),
    ("export.__main__", "run=best", f"tracking.uri={ADDRESS}"),
    ("bench.__main__", "commands", f"tracking.uri={ADDRESS}"),
    ("status", f"tracking.uri={ADDRESS}"),
)


def found_in(folder: Path) -> list[Path]:
    """Files that contain the password."""
    return [file for file in folder.rglob("*") if file.is_file() and CANARY.encode() in file.read_bytes()]


@pytest.mark.parametrize("arguments", SWEEPS, ids=" ".join)
def test_no_sweep_shows_or_saves_the_password(arguments: list[str], commands: CommandLine) -> None:
    done = commands.run(*(argument.format(ADDRESS) for argument in arguments))
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: tracking.uri=... contains credentials")
    assert CANARY not in done.stdout + done.stderr
    assert list(commands.folder.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command[0]} {command[1][:14]}")
def test_no_other_command_shows_or_saves_the_password(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, *arguments = command
    monkeypatch.chdir(tmp_path)
    assert importlib.import_module(f"plb_ablate.{module}").main(arguments) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: ")
    assert CANARY not in out + err
    assert list(tmp_path.iterdir()) == []


def test_a_password_in_a_file_of_settings_is_refused_before_anything_is_written(commands: CommandLine) -> None:
    (commands.folder / "tracking").mkdir()
    mine = commands.folder / "tracking" / "mine.yaml"
    mine.write_text(f"uri: 'postgresql://me:x/#{CANARY}@host/db'\nexperiment: x\n")
    done = commands.run("--config-dir", str(commands.folder), "tracking=mine")
    assert done.returncode == 2, done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert found_in(commands.folder) == [mine]


@pytest.mark.parametrize("arguments", [[], ["-m", "ablation=none,cbam"]], ids=" ".join)
def test_a_password_in_the_variable_is_in_no_file_and_no_message(
    arguments: list[str], commands: CommandLine, small_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORE_VARIABLE, f"http://me:x%2F{CANARY}@127.0.0.1:1")  # nothing listens there
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    done = commands.run(*arguments, f"dataset.root={small_corpus}", *SMOKE)
    assert (done.returncode, "http://127.0.0.1:1" in done.stderr) == (3, True), done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert found_in(commands.folder) == []
