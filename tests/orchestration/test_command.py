"""`python -m plb_ablate` from its arguments to its exit code, in this process: settings, places, errors."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plb_ablate import status
from plb_ablate.config.compose import compose_config
from plb_ablate.config.schema import Config
from plb_ablate.core.errors import UNEXPECTED
from plb_ablate.ledger.store import Ledger
from plb_ablate.models.plb.family import PLB
from plb_ablate.orchestration import corpora
from plb_ablate.orchestration.hydra_app import main
from plb_ablate.orchestration.sweep import Sweep
from tests.results_helper import a_config, finish, planned
from tests.test_status import settings

Command = Callable[..., int]


@pytest.fixture(autouse=True)
def open_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hydra closes all log handlers; that of absl, which TensorFlow brings, closes streams that pytest still needs."""
    if "absl.logging" in sys.modules:
        handler = sys.modules["absl.logging"].get_absl_handler()
        for each in (handler, handler.python_handler):
            monkeypatch.setattr(each, "close", lambda: None)


@pytest.fixture
def study(small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Settings of three cells, all of them done, in the current folder: nothing is left to train."""
    monkeypatch.chdir(tmp_path)
    config = a_config(small_corpus, tmp_path, study="mine")
    prepared, cells = planned(config)
    for cell in cells:
        finish(Ledger(Path(config.ledger)), cell, prepared)
    places = ("ledger=", "cache=")
    return [*(line for line in settings(config) if not line.startswith(places)), "cache=cache", "tracking=none"]


def _raise(error: BaseException) -> Callable[..., None]:
    def call(*_: object, **__: object) -> None:
        raise error

    return call


@pytest.mark.parametrize("mode", [[], ["-m"]])
def test_a_ledger_that_cannot_be_written_ends_the_command_before_the_first_training(
    study: list[str], mode: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("other").mkdir()
    Path("other/audits").touch()
    assert main([*mode, *study, "ledger=other"]) == 3
    assert "error: ledger=other cannot be written: File exists (other/audits)." in capsys.readouterr().err
    assert not Path("logs").exists()


@pytest.mark.parametrize(
    ("mode", "error", "code", "said"),
    [
        (["-m"], RuntimeError("odd"), UNEXPECTED, "RuntimeError: odd"),
        (["-m"], MemoryError(), UNEXPECTED, "error: there is not enough memory"),
        ([], OSError(28, "No space left on device", "x"), UNEXPECTED, "'x'. Free disk space and run"),
        ([], KeyboardInterrupt(), 130, "stopped by SIGINT"),
    ],
)
def test_whatever_is_raised_in_checks_and_at_the_end_is_told_and_ends_the_command(
    study: list[str],
    mode: list[str],
    error: BaseException,
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(corpora, "audit_prepared", _raise(error))
        assert main([*mode, *study]) == code
    assert said in capsys.readouterr().err
    for part in ("run", "finish"):
        with monkeypatch.context() as patch:
            patch.setattr(Sweep, part, _raise(error))
            assert main([*mode, *study]) == code
        told = capsys.readouterr().err
        assert said in told
        assert "3 of 3 cells are done and kept in ledger" in told
        assert "Callback" not in told


def test_a_run_is_repeated_from_the_configuration_in_its_logs(
    study: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*study, "hydra.job.chdir=true"]) == 0
    assert [path.name for path in Path().iterdir() if path.name != "logs"] == ["cache", "ledger"]
    (logs,) = Path("logs").iterdir()
    assert sorted(path.name for path in logs.iterdir()) == [".hydra", "plb_ablate.log"]
    capsys.readouterr()
    assert main(["--config-path", f"{logs}/.hydra", "--config-name", "config"]) == 0
    assert "3 cells: 3 already done, 0 to train." in capsys.readouterr().err
    assert len(list(Path("logs").iterdir())) == 2
    assert main(["--config-path", f"{logs}/.hydra", "--dry-run", "seed=7"]) == 0
    assert "3 cells: 3 to train." in capsys.readouterr().out
    assert main(["--config-path", f"{logs}/.hydra", "seed=many"]) == 2
    assert "many" in capsys.readouterr().err
    assert main(["--config-path", str(logs)]) == 2
    assert "config.yaml is not in it" in capsys.readouterr().err


def test_two_runs_at_the_same_time_have_their_own_logs(study: list[str]) -> None:
    for mode, key in (([], "run"), (["-m"], "sweep")):
        for _ in range(2):
            assert main([*mode, *study, f"hydra.{key}.dir=logs/{key}_${{now:%Y}}"]) == 0
        assert len(list(Path("logs").glob(f"{key}_*"))) == 2
    assert main([*study, "hydra.run.dir=logs/mine"]) == 0
    assert main([*study, "hydra.run.dir=logs/mine"]) == 0
    assert len(list(Path("logs").glob("mine*"))) == 1


def test_a_folder_of_own_choices_works_for_the_sweep_the_dry_run_and_the_status(
    study: list[str], small_corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("own/dataset").mkdir(parents=True)
    Path("own/experiments").mkdir()
    Path("own/dataset/mine.yaml").write_text(f"name: synthetic\nroot: {small_corpus}\n")
    Path("own/experiments/first.yaml").write_text(
        "# @package _global_\ndefaults: [override /dataset: mine]\n"
        "hydra: {mode: MULTIRUN, sweeper: {params: {seed: '1,2'}}}\n"
    )
    mine = ["--config-dir", "own", "dataset=mine", *study[2:]]
    assert main(mine) == 0
    assert "3 cells: 3 already done" in capsys.readouterr().err
    assert main(["--dry-run", *mine]) == 0
    assert "3 cells: 3 to skip." in capsys.readouterr().out
    assert status.main([argument for argument in mine if argument != "tracking=none"]) == 0
    assert "3 cells: 3 done" in capsys.readouterr().out
    assert status.main(["first", "--config-dir", "own", *study[2:]]) == 0
    assert "6 cells: 0 done, 0 running, 0 stale, 0 failed, 6 missing." in capsys.readouterr().out
    assert main(["--config-dir", "own", "experiments=first", "hydra.mode=RUN", *study[2:]]) == 2
    assert "sweeps over seed" in capsys.readouterr().err
    assert main(["--config-dir", "nowhere", *study]) == 2
    assert "--config-dir nowhere: the folder does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("root", "mode"),
    [
        ("/d/archive (3)", []),
        ("/d/a=b", ["-m"]),
        ("~/ravdess", ["--dry-run"]),
        ("/d/Universität/x", ["status"]),
        ('a "quoted" \\ one', []),
        ("it's", []),
        ("(end\\", []),
        ("a,b (c)", ["-m"]),
    ],
)
def test_a_value_that_hydra_cannot_read_is_shown_as_it_is_typed_in_a_shell(
    root: str, mode: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = status.main if mode == ["status"] else main
    assert command([*(mode if mode != ["status"] else []), f"dataset.root={root}"]) == 2
    told = capsys.readouterr().err
    assert "HYDRA_FULL_ERROR" not in told
    assert "Traceback" not in told
    typed = told.splitlines()[-1].strip()
    pasted = subprocess.run(["sh", "-c", f"printf '%s\\n' {typed}"], capture_output=True, text=True, check=True).stdout
    assert compose_config([pasted.removesuffix("\n")]).dataset.root == str(Path(root).expanduser())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dataset.root=/d/my", "folder"], "'dataset.root=\"/d/my folder\"'"),
        (["demo"], "demo is not a setting: type key=value, for example experiments=demo."),
        (["sede=3"], "unknown setting: sede."),
        (["dataset.root=/a,/b"], "For a sweep over them, add -m."),
        (["-m", "dataset.root=/a (1),/b"], "'dataset.root=\"/a (1)\",/b'"),
        (["dataset.root=${HOME}/x"], "Interpolation key 'HOME' not found"),
        (["dataset=null"], "dataset=null cannot be composed"),
        (["hydra/launcher=jobb"], "joblib"),
        (["~dataset"], "dataset.name"),
        (["-m", "seed=interval(1,2)"], "does not support sweep type"),
        (["--cfg", "job", "seed=many"], "many"),
        (["--help", "seed=many"], "many"),
        (["ledger=$NO_SUCH_VARIABLE/x"], "NO_SUCH_VARIABLE is not set"),
    ],
)
def test_errors_of_hydra_are_ours_in_every_mode(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in ([], ["--dry-run"]):
        assert main([*arguments, *more]) == 2
        told = capsys.readouterr().err
        assert told.startswith("error: ")
        assert said in told
        assert not re.search("HYDRA_FULL_ERROR|Traceback|object_type", told)


@pytest.mark.parametrize("studies", ["demo,published_emodb", "[demo,published_emodb]", "choice(demo,published_emodb)"])
def test_several_studies_are_refused_with_the_commands_that_run_each(
    studies: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-m", f"experiments={studies}", "seed=1", 'ledger="a b"']) == 2
    lines = capsys.readouterr().err.splitlines()[1:]
    assert [shlex.split(line) for line in lines] == [
        ["python", "-m", "plb_ablate", "-m", f"experiments={study}", "seed=1", 'ledger="a b"']
        for study in ("demo", "published_emodb")
    ]


def test_paths_of_settings_are_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    composed: Config = compose_config(
        [
            'dataset.root="~/corpus"',
            "ledger=$HOME/ledger",
            'cache="${oc.env:HOME}/c"',
            'tracking.uri="sqlite:///~/a.db"',
        ]
    )
    assert (composed.dataset.root, composed.ledger) == (f"{tmp_path}/corpus", f"{tmp_path}/ledger")
    assert (composed.cache, composed.tracking.uri) == (f"{tmp_path}/c", f"sqlite:///{tmp_path}/a.db")


def test_a_design_is_shown_and_cells_of_another_one_are_not_trained_again(
    study: list[str], small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for ablation in PLB.modules:
        prepared, cells = planned(config := a_config(small_corpus, tmp_path, ablation=ablation, study="mine"))
        for cell in cells:
            finish(Ledger(Path(config.ledger)), cell, prepared)
    assert main(["-m", "--dry-run", "design=pairs", *study]) == 0
    told = capsys.readouterr().out
    assert told.startswith("design=pairs: the whole network, and all removals of one and of two modules. 16 of 32")
    assert "spa is idle without dwscnn and sa." in told
    assert "48 cells: 18 to skip, 30 to train." in told
    assert "About " in told
    assert main(["-m", "design=leave_one_out", *study]) == 0
    assert "18 cells: 18 already done, 0 to train." in capsys.readouterr().err
    (logs,) = Path("logs").iterdir()
    job = next(
        folder
        for folder in logs.iterdir()
        if folder.is_dir() and "ablation=sa" in (folder / ".hydra/overrides.yaml").read_text()
    )
    assert main(["--config-path", f"{job}/.hydra", "--config-name", "config", "hydra.mode=RUN"]) == 0
    assert "3 cells: 3 already done" in capsys.readouterr().err
    for mode in ([], ["--dry-run"]):
        assert main([*mode, "design=half", *study]) == 2
        assert "add -m" in capsys.readouterr().err
