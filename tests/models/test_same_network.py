"""A network that several names build is planned, told and reported once, under the shortest of them."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from plb_ablate import params
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.store import Ledger
from plb_ablate.models.plb.family import PLB
from plb_ablate.models.registry import FAMILIES
from plb_ablate.orchestration.dry_run import show
from plb_ablate.orchestration.progress import SweepProgress
from plb_ablate.report.analysis import analyse
from plb_ablate.report.read_runs import read_studies
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import wa_table
from plb_ablate.report.tables.removal_check import removal_table
from plb_ablate.tracking.store import open_store
from tests.report.store import Sweep
from tests.report.studies import shown
from tests.results_helper import a_config

LONG, SHORT = "sa+spa+dwscnn", "dwscnn+sa"
NOTE = "dwscnn+spa+sa is the same network as dwscnn+sa: it is trained and counted once, under the name dwscnn+sa."


def test_notes_name_each_network_once_and_pass_over_what_they_do_not_know() -> None:
    assert PLB.same_network_notes(["none", SHORT, "dwscnn+spa+sa", "unheard_of"]) == (NOTE,)
    assert PLB.same_network_notes(["none", "cbam+sa", "spa_published"]) == ()


def test_both_spellings_are_one_set_of_cells_and_the_second_job_has_none(small_corpus: Path, tmp_path: Path) -> None:
    configs = [a_config(small_corpus, tmp_path, ablation=name) for name in (LONG, SHORT, "none")]
    plan = Plan()
    assert [len(job) for job in plan.jobs(configs)] == [3, 0, 3]
    assert [cell.settings["ablation"] for cell in plan.cells(*configs)] == [SHORT] * 3 + ["none"] * 3
    assert [cell.id for cell in plan.cells(configs[0])] == [cell.id for cell in plan.cells(configs[1])]


def test_a_dry_run_and_a_sweep_say_it(small_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configs = [a_config(small_corpus, tmp_path, ablation=name) for name in (LONG, SHORT)]
    show(configs)
    said = capsys.readouterr().out
    assert "3 cells: 3 to train.\n" in said
    assert f"\n{NOTE}\n" in said
    console = Console(file=io.StringIO(), width=60)
    with SweepProgress(Plan().cells(*configs), Ledger(tmp_path / "ledger"), console):
        assert console.file.getvalue() == f"3 cells: 0 already done, 3 to train.\n{NOTE}\n"  # type: ignore[attr-defined]


def test_parameter_tables_say_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(PLB.networks) == 32
    few = replace(PLB)
    few.__dict__["networks"] = ("none", SHORT)
    monkeypatch.setitem(FAMILIES, "plb", few)
    assert params.main(["--all", "--dataset", "emodb"]) == 0
    assert f"{NOTE}\n1 of 1 published counts agree." in capsys.readouterr().out
    assert params.main(["--all", "--dataset", "emodb", "--json"]) == 0
    assert [row["same_network"] for row in json.loads(capsys.readouterr().out)] == [[], ["dwscnn+spa+sa"]]


@pytest.fixture
def old_study(tmp_path: Path, empty_store: Path) -> Callable[[], Study]:
    """A store of an earlier version: of one network, folds under both names."""
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    made = Sweep(uri)
    made.variant("none", [0.8, 0.7], n_folds=2)
    made.variant(SHORT, [0.6], n_folds=2)
    made.variant("dwscnn+spa+sa", {0: 0.5, 1: 0.4}, n_folds=2)
    made.variant("dwscnn+cbam+spa+sa", [0.3, 0.3], n_folds=2)
    made.variant("of_a_later_version", [0.3], n_folds=2)
    return lambda: read_studies(open_store(uri), "plb_ablate")[0]


def test_runs_stored_under_the_longer_name_stand_in_the_row_of_the_shorter(old_study: Callable[[], Study]) -> None:
    study = old_study()
    assert study.ablations == ("none", SHORT, "dwscnn+cbam+sa", "of_a_later_version")
    assert study.scores(SHORT, "best_test", "score") == {(42, 0): 0.5, (42, 1): 0.4}
    assert set(analyse(study).primary_comparisons) == {SHORT, "dwscnn+cbam+sa"}
    table = wa_table(study)
    assert [row[0] for row in shown(table)][1:3] == [SHORT, "dwscnn+cbam+sa"]
    assert NOTE in table.notes


def test_the_audit_of_removals_knows_that_the_gate_goes_too(old_study: Callable[[], Study]) -> None:
    study = old_study()
    known = tuple(run for run in study.configs if run.ablation != "of_a_later_version")
    table = removal_table(Study(study.key, tuple(run for run in study.folds if run.ablation in ("none", SHORT)), known))
    assert [(row[0], row[1], row[-1]) for row in shown(table)] == [
        (SHORT, "25,830", "yes"),
        ("dwscnn+cbam+sa", "30,124", "yes"),
    ]
    assert table.notes[0] == NOTE
