"""The table of runs that scripts read: another process gets the numbers of the report."""

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import plb_ablate
from plb_ablate.core.errors import ConfigError, StoreError
from plb_ablate.report.__main__ import main
from plb_ablate.report.analysis import analyse
from plb_ablate.report.read_runs import read_studies
from plb_ablate.tracking.store import open_store
from tests.report.store import MODULES, Sweep, sqlite_uri
from tests.test_docs import blocks, run

Make = Callable[..., Sweep]

CHILD = "import sys, plb_ablate; plb_ablate.load_runs().to_pickle(sys.argv[1])"


def test_another_process_reads_the_numbers_of_the_report(sweep: Make, tmp_path: Path) -> None:
    made = sweep(protocol="nested")
    for seed in (42, 43):
        for name, scores in {"sa": [0.7, 0.65], "none": [0.8, 0.7]}.items():
            made.variant(name, scores, n_folds=2, seed=seed)
    made.child("none", 1, 0.123, n_folds=2, loss=np.inf)  # a newer training of a fold, which diverged
    assert main(["--out", "r"]) == 0
    subprocess.run([sys.executable, "-c", CHILD, "runs.pickle"], cwd=tmp_path, check=True)
    runs = pd.read_pickle(tmp_path / "runs.pickle")
    (file,) = tmp_path.glob("r/emodb/*/folds.csv")
    reported = [*csv.DictReader(file.read_text().splitlines())]
    assert list(zip(runs["ablation"], runs["seed"], runs["fold"], strict=True)) == [
        (name, seed, fold) for name in ("none", "sa") for seed in (42, 43) for fold in range(2)
    ]
    assert runs["diverged"].tolist() == [False, True, *[False] * 6]
    measured = [name for name in reported[0] if "/" in name]
    assert len(measured) == 18
    runs.loc[runs["diverged"], measured] = np.nan  # the report does not use them
    for name in measured:
        found = runs[name].to_numpy("float64", na_value=np.nan)
        np.testing.assert_array_equal(found, [float(row[name]) for row in reported], name)
    for column in reported[0].keys() - measured:
        assert [*map(str, runs[column])] == [row[column] for row in reported], column
    assert set(runs["params/total"]) == {sum(MODULES.values()), sum(MODULES.values()) - MODULES["layer_norm"]}


def test_repeated_words_take_no_memory_and_counts_stay_whole(sweep: Make) -> None:
    made = sweep()
    made.variant("routing", [0.8], n_folds=2)
    made.child("cbam+sa", 1, 0.7, n_folds=2)
    runs = plb_ablate.load_runs()
    assert runs["ablation"].cat.ordered
    assert [*runs["ablation"].cat.categories] == ["routing", "cbam+sa"]
    kinds = {"config_hash": "category", "git_commit": "category", "study": "category", "n_test": "Int32"}
    kinds |= {"last/wa": "float64", "last/epoch": "Int32", "params/total": "Int64", "diverged": "bool"}
    assert {name: str(runs[name].dtype) for name in kinds} == kinds
    assert runs["best_validation/wa"].isna().all()
    assert runs["params/total"].isna().tolist() == [False, True]
    assert str(runs["ended"].dt.tz) == "UTC"
    assert runs["ended"].dt.year.tolist() == [2023, 2023]


def test_store_experiment_dataset_and_seeds_are_chosen(
    sweep: Make, uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number, dataset in enumerate(("emodb", "ravdess")):
        sweep(dataset=dataset).variant("none", [0.8], n_folds=1, seed=number)
    sweep(experiment="other", dataset="mine").variant("none", [0.5], n_folds=1)
    assert [*plb_ablate.load_runs(dataset="ravdess")["seed"]] == [1]
    assert [*plb_ablate.load_runs(seeds=[0])["dataset"]] == ["emodb"]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [*plb_ablate.load_runs(uri, experiment="other")["dataset"]] == ["mine"]
    with pytest.raises(StoreError, match="There is no MLflow store at"):
        plb_ablate.load_runs()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert len(plb_ablate.load_runs()) == 2
    with pytest.raises(StoreError, match="no finished fold of dataset=ravdess with seed=7"):
        plb_ablate.load_runs(dataset="ravdess", seeds=[7])
    with pytest.raises(ConfigError, match="contains credentials"):
        plb_ablate.load_runs("https://me:secret@host")


def test_the_page_names_every_column(sweep: Make) -> None:
    sweep().variant("none", [0.8], n_folds=1)
    page = (Path(__file__).parents[2] / "docs" / "scripting.md").read_text()
    columns = {re.sub("^(best_test|best_validation|last)/", "<rule>/", str(name)) for name in plb_ablate.load_runs()}
    assert len(columns) > 30
    assert [name for name in sorted(columns) if f"`{name}`" not in page] == []


def test_the_examples_of_the_page_print_what_the_report_says(study_folder: Path, tmp_path: Path) -> None:
    study = read_studies(open_store(sqlite_uri(study_folder / "mlflow.db")), "plb_ablate")[0]
    printed = {}
    for title, script in blocks("scripting.md", "python"):
        if title:
            (tmp_path / title).write_text(script)
            ended = run(study_folder, str(tmp_path / title))
            assert ended.returncode == 0, ended.stderr
            printed[title] = ended.stdout
    for name in ("none", "cbam"):
        mean = np.mean([*study.scores(name, "best_validation", "ua").values()])
        assert f"{mean:.6f}" in printed["ua.py"]
    test = analyse(study).primary_comparisons["cbam"].test
    low, high = test.ci95
    wanted = f"{100 * test.mean:+.2f} points, 95 % interval {100 * low:+.2f} to {100 * high:+.2f}"
    assert wanted in printed["difference.py"]
