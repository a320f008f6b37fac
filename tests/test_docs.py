"""The pages say what is so: settings, runs, and the worked examples, which are followed here as a reader would."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

import plb_ablate
from plb_ablate.data.synthetic.formant_synthesis import RATE
from plb_ablate.ledger.store import Ledger
from plb_ablate.tracking.mlflow_writer import Tracker
from tests.conftest import CommandLine
from tests.results_helper import a_config, finish, planned

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def hook(name: str) -> ModuleType:
    """A module of docs/hooks, which is no package."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "hooks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_settings_page_is_what_the_schema_says() -> None:
    settings = hook("settings")
    assert settings.PAGE.read_text() == settings.settings_page(), "run `make docs-settings`"


def test_the_tracking_page_names_all_that_a_run_has(small_corpus: Path, empty_store: Path, tmp_path: Path) -> None:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    config = a_config(small_corpus, tmp_path, study="demo")
    prepared, cells = planned(config)
    tracker = Tracker(config.tracking, Ledger(Path(config.ledger)))
    tracker.upload(finish(tracker.ledger, cells[0], prepared))
    page = (DOCS / "tracking.md").read_text()
    runs = tracker.client.search_runs([tracker.experiment])
    assert len(runs) == 2
    for run in runs:
        artifacts = [file.path for file in tracker.client.list_artifacts(run.info.run_id)]
        tags = [tag for tag in run.data.tags if not tag.startswith("mlflow.")]
        metrics = {_pattern(name) for name in run.data.metrics}
        unnamed = [name for name in (*tags, *artifacts, *metrics) if f"`{name}`" not in page]
        assert not unnamed


def _pattern(metric: str) -> str:
    """A metric as the page writes it."""
    metric = re.sub(r"^params/module/.*", "params/module/<module>", metric)
    metric = re.sub(r"^(best_test|best_validation|last)/", "<rule>/", metric)
    metric = re.sub(r"^<rule>/(score|wa|ua|macro_f1)", "<rule>/<score>", metric)
    metric = re.sub(r"^<rule>/<score>/(min|mean|std)$", "<rule>/<score>/max", metric)
    return re.sub(r"^(test|validation)/", "<split>/", metric)


# ---------------------------------------------------------------------- worked examples


def blocks(page: str, language: str) -> Iterator[tuple[str, str]]:
    """Title and content of every block of a page in one language."""
    text = (DOCS / page).read_text()
    for found in re.finditer(rf'^```{language}(?: title="(.*?)")?\n(.*?)^```$', text, re.DOTALL | re.MULTILINE):
        yield found[1] or "", found[2]


def apply(diff: str, folder: Path) -> None:
    """Apply a diff without line numbers: what is before must stand in the file exactly once."""
    for part in re.split(r"^--- a/.*\n\+\+\+ b/", diff, flags=re.MULTILINE)[1:]:
        name, *hunks = re.split(r"^@@\n|\n@@\n", part, flags=re.MULTILINE)
        path = folder / name.strip()
        for hunk in hunks:
            lines = hunk.strip("\n").splitlines()
            before = "\n".join(line[1:] for line in lines if line[:1] != "+") + "\n"
            after = "\n".join(line[1:] for line in lines if line[:1] != "-") + "\n"
            assert path.read_text().count(before) == 1, f"{path.name} has changed: {before}"
            path.write_text(path.read_text().replace(before, after))


def followed(page: str, folder: Path) -> Path:
    """A copy of the project with all that a page tells to do."""
    for name in ("plb_ablate", "conf", "experiments", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for language in ("python", "yaml"):
        for title, content in blocks(page, language):
            assert not (folder / title).exists()
            (folder / title).write_text(content)
    for _, diff in blocks(page, "diff"):
        apply(diff, folder)
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    places = (str(folder), os.environ.get("PYTHONPATH", ""))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, places)), "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=480,
    )


def tone(path: Path, number: int) -> None:
    """A recording of half a second that has its own pitch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(number).standard_normal(RATE // 2)
    soundfile.write(path, 0.2 * np.sin(np.arange(RATE // 2) * (0.05 + 0.01 * number)) + 0.01 * noise, RATE)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_own_corpus_is_studied_as_the_page_says(commands: CommandLine) -> None:
    """Every command of the page, word by word, in a folder outside the checkout."""
    folder = commands.folder
    people, labels = ("anna", "berta", "clara", "dirk", "emil", "fritz"), ("calm", "angry", "furious", "laughing")
    for number, (speaker, label) in enumerate(product(people, labels)):
        tone(folder / "recordings" / f"{speaker}_{label}_1.wav", number)
        tone(folder / "labelled" / label / f"{speaker}_1.wav", number)
    for language in ("python", "yaml"):
        for title, content in blocks("corpora.md", language):
            (folder / title).parent.mkdir(parents=True, exist_ok=True)
            (folder / title).write_text(content)
    typed = [line for _, block in blocks("corpora.md", "console") for line in block.splitlines()]
    said = []
    for line in typed:
        program, *arguments = shlex.split(line)
        assert program == "python"
        module = arguments[1] if arguments[0] == "-m" else ""
        done = commands.run(*arguments[2:], module=module) if module else run(folder, *arguments)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        said.append(done.stdout + done.stderr)
    _, checked, audited, trained, reported, planned_again, folders, plan_of_folders = said
    assert "Every recording can be used. No counts are published." in checked
    assert "actors, protocol=speaker, 3 folds" in audited
    assert "No leakage found" in audited
    assert "note: actors: 6 of 24 recordings left out" in trained
    assert "2 cells: 0 already done, 2 to train." in trained
    page = (folder / "reports" / "actors.md").read_text()
    assert "actors" in reported
    assert "not the published one" not in page
    assert "actors none seed 42 fold 0  skip" in planned_again, "the cell that was trained from the same table"
    assert "laughing" in folders
    assert "labelled none seed 42 fold 2" in plan_of_folders


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_model_of_ones_own_is_studied_as_the_page_says(small_corpus: Path, tmp_path: Path) -> None:
    """The sweep, then another process that reads what it stored; an edited file is trained anew, a moved one is not."""
    ((title, source),) = blocks("models.md", "python")
    (file := tmp_path / title).parent.mkdir()
    file.write_text(source)
    names = "ablation=none,attention,attention+gru"
    command = ["-m", "plb_ablate", "-m", "model=file", f"model.file={title}", names, "trainer=smoke", "fold=0"]
    command += [f"dataset.root={small_corpus}", "protocol.n_splits=3"]
    done = run(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert "Building 3 variants of study/my_model.py." in done.stderr
    stored = Ledger(tmp_path / "ledger").entries()
    assert [(entry.result / "my_model.py").read_text() for entry in stored] == [source] * 3
    assert run(tmp_path, "-m", "plb_ablate.report").returncode == 0
    page = (tmp_path / "reports" / "synthetic.md").read_text()
    assert "## model=my_model.py, protocol=published" in page
    assert "|attention+gru|" in page
    assert "published page" not in page
    runs = plb_ablate.load_runs(f"sqlite:///{tmp_path}/mlflow.db").set_index("ablation")
    assert set(runs["training"]) == {"bn_momentum=0.5 loss=cross_entropy"}
    recurrent = str(runs["run_id"]["none"])
    exported = run(
        tmp_path, "-m", "plb_ablate.export", f"run={recurrent}", f"dataset.root={small_corpus}", "--no-track"
    )
    assert exported.returncode == 1
    assert "not written: LiteRT int8: the calibration of LiteRT crashes in loops (WHILE)" in exported.stderr
    assert "Wrote 4 formats" in exported.stdout
    moved = [argument.replace("study/", "") for argument in command]
    shutil.copy(file, tmp_path)
    assert "3 cells: 3 to skip." in run(tmp_path, *moved, "--dry-run").stdout
    file.write_text(source.replace("GRU(24", "GRU(25"))
    assert "3 cells: 3 to train." in run(tmp_path, *command, "--dry-run").stdout


# ---------------------------------------------------------------------- the built pages


@pytest.mark.slow
def test_the_pages_build_with_every_link_and_fetch_nothing(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    done = run(ROOT, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site"))
    assert done.returncode == 0, done.stderr
    pages = sorted((tmp_path / "site").glob("*.html"))
    assert len(pages) > len(list(DOCS.glob("*.md")))
    for page in pages:
        text = page.read_text()
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', text)
        assert "arithmatex" not in text
    assert "<math" in (tmp_path / "site" / "statistics.html").read_text()
