import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plb_ablate.report.__main__ import main
from plb_ablate.tracking.mlflow_reader import experiment_id
from plb_ablate.tracking.store import open_store
from tests.report.store import Sweep, sqlite_uri

Make = Callable[..., Sweep]


def report(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command in another process, in `folder`."""
    command = [sys.executable, "-m", "plb_ablate.report", *options]
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_another_process_reports_the_same_bytes_twice(sweep: Make, tmp_path: Path) -> None:
    made = sweep()
    for name, scores in {"routing": [0.5, 0.6], "none": [0.8, 0.7], "sa": [0.75]}.items():
        made.variant(name, scores, n_folds=2)
    sweep(dataset="ravdess", protocol="nested").variant("none", [0.9, 0.7], n_folds=2)
    first, again = report(tmp_path), report(tmp_path, "--out", "again")
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert files(tmp_path / "reports") == files(tmp_path / "again")
    assert {"emodb.md", "ravdess.md", "emodb/published_demo_01234567/wa.csv"} <= files(tmp_path / "reports").keys()
    page = (tmp_path / "reports" / "emodb.md").read_text()
    assert "|SA|95,160|–|–|–|1/2|" in page
    assert "|Δ||+20.00|+20.00|+20.00||" in page
    assert "|Δ||+20.00|+20.00|+20.00||" in first.stdout


def test_the_report_is_attached_to_one_run_and_changes_no_report(sweep: Make, tmp_path: Path) -> None:
    sweep().variant("none", [0.8, 0.7], n_folds=2)
    first, again = report(tmp_path, "--attach"), report(tmp_path, "--attach", "--out", "again")
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    client = open_store(sqlite_uri(tmp_path / "mlflow.db"))
    (run,) = client.search_runs([experiment_id(client, "plb_ablate")], "tags.level = 'report'")
    assert run.info.status == "FINISHED"
    stored = Path(client.download_artifacts(run.info.run_id, "", str(tmp_path)))
    assert files(tmp_path / "reports") == files(tmp_path / "again")
    assert files(tmp_path / "again").items() <= files(stored).items()


def test_a_page_reads_from_verdict_to_provenance(sweep: Make, tmp_path: Path) -> None:
    made = sweep(protocol="nested")
    for name, scores in {"none": [0.8, 0.7, 0.75], "sa": [0.7, 0.65, 0.7], "forward_only": [0.8, 0.7, 0.7]}.items():
        made.variant(name, scores, n_folds=3)
    assert main(["--out", "r"]) == 0
    page = (tmp_path / "r" / "emodb.md").read_text()
    titles = [line.removeprefix("### ") for line in page.splitlines() if line.startswith("### ")]
    assert titles == [
        "Verdict",
        "Table in the published layout",
        "The published table and ours",
        "The block itself",
        "True accuracies",
        "Differences from the proposed model",
        "Fold by fold",
        "Optimism gap",
        "Audit: leakage",
        "Audit: removals took effect",
        "Audit: published against reproduced",
        "Parameters by module",
        "Cost and benefit",
        "Provenance",
    ]
    links = [line.split("(")[1].rstrip(")") for line in page.splitlines() if line.startswith("![")]
    assert len(links) == 4
    assert all((tmp_path / "r" / link).is_file() for link in links)
    for csv in (tmp_path / "r").rglob("*.csv"):
        assert csv.name == "folds.csv" or csv.with_suffix(".tex").is_file()


def test_a_dataset_of_our_own_has_nothing_published_beside_it(sweep: Make, tmp_path: Path) -> None:
    sweep(dataset="synthetic").variant("none", [0.8, 0.7], n_folds=2)
    assert main(["--out", "r"]) == 0
    page = (tmp_path / "r" / "synthetic.md").read_text()
    assert "published table and ours" not in page
    assert "published against reproduced" not in page


def test_claims_are_held_against_the_study_nearest_to_the_published_one(sweep: Make, tmp_path: Path) -> None:
    for settings in ({"trainer": "smoke"}, {"trainer": "published"}, {"protocol": "speaker"}):
        sweep(**settings).variant("none", [0.8, 0.7], n_folds=2)
    assert main(["--out", "r"]) == 0
    assert [p.parent.name for p in (tmp_path / "r").rglob("claims.csv")] == ["published_published_01234567"]


def test_the_report_needs_no_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys, plb_ablate.report.__main__ as m; m.main(['--published']); assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)


def test_one_dataset_is_one_page(sweep: Make, tmp_path: Path) -> None:
    for dataset in ("emodb", "ravdess"):
        sweep(dataset=dataset).variant("none", [0.8, 0.7], n_folds=2)
    assert main(["--dataset", "ravdess", "--out", "r"]) == 0
    assert [path.name for path in (tmp_path / "r").glob("*.md")] == ["ravdess.md"]


def test_without_a_store_nothing_is_made(tmp_path: Path) -> None:
    ended = report(tmp_path)
    assert ended.returncode != 0
    assert "There is no MLflow store" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.iterdir())


def test_an_empty_store_is_said_to_be_empty(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tracking-uri", uri]) != 0
    assert "does not exist" in capsys.readouterr().err


def test_python_collects_garbage_as_before_after_a_report(tmp_path: Path) -> None:
    before = gc.get_threshold()
    assert main(["--tracking-uri", f"sqlite:///{tmp_path}/none.db"]) != 0
    assert gc.get_threshold() == before


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "examples:" in capsys.readouterr().out
