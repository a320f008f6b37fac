"""The page for a browser, and the pictures that are made from artifacts."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from plb_ablate.report.__main__ import main
from plb_ablate.report.read_artifacts import read_trainings
from plb_ablate.report.read_runs import read_studies
from plb_ablate.report.tables.provenance import run_table
from plb_ablate.report.tables.render import to_markdown
from plb_ablate.tracking.mlflow_reader import read_texts, run_page
from plb_ablate.tracking.store import open_store
from tests.report.store import Sweep, sqlite_uri
from tests.report.studies import make_study

Make = Callable[..., Sweep]


class Outline(HTMLParser):
    """Headings, addresses and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.titles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h3":
            self.titles.append(data)


def outline(page: str) -> Outline:
    read = Outline()
    read.feed(page)
    assert read.open == []
    return read


def test_one_page_has_every_study_and_fetches_nothing(sweep: Make, tmp_path: Path) -> None:
    for settings in ({"dataset": "emodb"}, {"dataset": "ravdess", "protocol": "nested"}):
        made = sweep(**settings)
        for name, scores in {"none": [0.8, 0.7, 0.75], "sa": [0.7, 0.6, 0.65], "cbam": [0.8, 0.7]}.items():
            made.variant(name, scores, n_folds=3)
    assert main(["--out", "r"]) == 0
    assert main(["--out", "again"]) == 0
    page = (tmp_path / "r" / "index.html").read_text()
    assert page == (tmp_path / "again" / "index.html").read_text()
    read = outline(page)
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in read.addresses)
    assert read.titles.count("Verdict") == 2
    assert {"Optimism gap", "Audit: removals took effect", "Parameters by module"} <= set(read.titles)
    assert "Learning curves" not in read.titles
    assert page.count("<table ") == page.count("<caption ") > 10
    assert '<tr class="last">' in page


def test_words_from_a_store_stay_words(sweep: Make, tmp_path: Path) -> None:
    sweep(git_commit="<script>alert(1)</script>").variant("none", [0.8, 0.7], n_folds=2)
    assert main(["--out", "r"]) == 0
    page = (tmp_path / "r" / "index.html").read_text()
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("<script>") == 1


def test_curves_and_confusions_come_from_the_artifacts(study_folder: Path, tmp_path: Path) -> None:
    client = open_store(sqlite_uri(study_folder / "mlflow.db"))
    (study, *_) = read_studies(client, "plb_ablate")
    trainings = read_trainings(client, study)
    assert trainings is not None
    assert list(trainings.curves) == list(study.ablations)
    assert all(len(folds) == study.n_folds for folds in trainings.curves.values())
    tested = sum(run.n_test for run in study.runs("none").values() if run.seed == trainings.seed)
    assert trainings.confusions["none"].to_numpy().sum() == tested
    assert main(["--tracking-uri", client.tracking_uri, "--out", str(tmp_path)]) == 0
    read = outline((tmp_path / "index.html").read_text())
    assert {"Learning curves", "Confusion matrices"} <= set(read.titles)
    assert len([a for a in read.addresses if a.startswith("data:")]) == 6


def test_a_variant_that_lacks_an_artifact_is_left_out(study_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = open_store(sqlite_uri(study_folder / "mlflow.db"))
    (study, *_) = read_studies(client, "plb_ablate")
    lost = study.runs("cbam")[study.seeds[0], 1].run_id
    monkeypatch.setattr(
        "plb_ablate.report.read_artifacts.read_texts",
        lambda c, run, names: None if run == lost else read_texts(c, run, names),
    )
    found = read_trainings(client, study)
    assert found is not None
    assert list(found.confusions) == [name for name in study.ablations if name != "cbam"]
    assert isinstance(found.confusions["none"], pd.DataFrame)


def test_runs_lead_to_the_ui_where_the_store_is_a_server(study_folder: Path) -> None:
    client = open_store(sqlite_uri(study_folder / "mlflow.db"))
    assert run_page(client, "plb_ablate") == ""
    study = make_study({"none": [0.8, 0.7]})
    linked = run_table(study, "http://127.0.0.1:5000/#/experiments/1/runs/")
    assert "[none](http://127.0.0.1:5000/#/experiments/1/runs/none)" in to_markdown(linked)
    assert not re.search("http", to_markdown(run_table(study)))
