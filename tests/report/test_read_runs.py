from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from plb_ablate.core.errors import StoreError
from plb_ablate.report.analysis import analyse
from plb_ablate.report.read_runs import read_leaks, read_studies
from plb_ablate.report.tables.verdict import verdict
from plb_ablate.splits.leakage_report import LeakageReport, SharedSpeakers
from plb_ablate.tracking import mlflow_reader
from plb_ablate.tracking.mlflow_reader import finished_runs
from plb_ablate.tracking.store import open_store
from tests.report.store import MODULES, Sweep

Make = Callable[..., Sweep]


def test_a_run_comes_back_as_it_was_written(sweep: Make, uri: str) -> None:
    parent = sweep(protocol="nested").variant("none", [0.8, 0.6], n_folds=2)
    study = read_studies(open_store(uri), "plb_ablate")[0]
    assert study.scores("none", "best_validation", "score") == pytest.approx({(42, 0): 0.78, (42, 1): 0.58})
    assert study.rules == ("best_test", "best_validation", "last")
    fold, config = study.folds[0], study.configs[0]
    assert (fold.seconds, fold.n_train, fold.n_test, fold.tags and fold.tags["keras"]) == (12.5, 450, 50, "1.2.3")
    assert (config.run_id, config.params, config.modules) == (parent, 95288, MODULES)


@pytest.mark.parametrize("status", ["RUNNING", "FAILED", "KILLED"])
def test_only_finished_runs_count(sweep: Make, uri: str, status: str) -> None:
    made = sweep()
    made.variant("none", [0.8], n_folds=2)
    made.child("none", 1, 0.9, n_folds=2, status=status)
    study = read_studies(open_store(uri), "plb_ablate")[0]
    assert study.missing("none", "best_test", "score") == [(42, 1)]


def test_a_cell_that_was_uploaded_twice_counts_once(sweep: Make, uri: str) -> None:
    made = sweep()
    made.variant("none", [0.8], n_folds=1)
    made.child("none", 0, 0.3, n_folds=1, cell="same")
    last = made.child("none", 0, 0.4, n_folds=1, cell="same")
    assert [run.run_id for run in read_studies(open_store(uri), "plb_ablate")[0].folds] == [last]


def test_protocols_and_trainers_are_never_mixed(sweep: Make, uri: str) -> None:
    for settings in ({}, {"protocol": "nested"}, {"trainer": "smoke"}, {"reverse": "time"}, {"config_hash": "f" * 16}):
        sweep(**settings).variant("none", [0.8], n_folds=1)
    studies = read_studies(open_store(uri), "plb_ablate")
    assert [len(study.folds) for study in studies] == [1] * 5
    assert len({study.key.slug for study in studies}) == 5
    assert all(run.key == study.key for study in studies for run in study.configs)


@pytest.mark.parametrize(
    "missing",
    ["plb_ablate.tracking.mlflow_reader._engine", "mlflow.store.tracking.dbmodels.models.SqlLatestMetric"],
    ids=["server", "another MLflow"],
)
def test_the_search_returns_page_by_page_what_the_tables_return_at_once(
    sweep: Make, uri: str, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    made = sweep()
    made.variant("none", [*(0.1 * i for i in range(9)), float("nan")])
    made.child("none", 3, 0.2, status="FAILED")
    monkeypatch.setattr(mlflow_reader, "PAGE", 3)
    wanted = {"level": "fold", "dataset": "emodb"}
    asked = (open_store(uri), made.experiment_id, wanted, {"fold", "cell"}, {"best_test/wa", "seconds"})
    from_tables = finished_runs(*asked)
    assert len(from_tables) == 10
    if missing.endswith("_engine"):
        monkeypatch.setattr(missing, lambda client: None)
    else:
        monkeypatch.delattr(missing)
    searches, search = [], MlflowClient.search_runs

    def counted(client: MlflowClient, *asked_for: object, **options: object) -> object:
        searches.append(options)
        return search(client, *asked_for, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(MlflowClient, "search_runs", counted)
    searched = finished_runs(*asked)
    assert len(searches) == 4
    plain = [
        [(run.run_id, run.ended, sorted(run.tags.items()), sorted(run.metrics.items())) for run in found]
        for found in (from_tables, searched)
    ]
    assert repr(plain[0]) == repr(plain[1])  # as text, for nan is not equal to itself


def test_dataset_and_seed_are_filters(sweep: Make, uri: str) -> None:
    sweep(dataset="ravdess").variant("none", [0.8], n_folds=1)
    for seed in (42, 43):
        sweep().variant("none", [0.8], n_folds=1, seed=seed)
    client = open_store(uri)
    studies = read_studies(client, "plb_ablate", "emodb", [43])
    assert [(study.key.dataset, study.seeds) for study in studies] == [("emodb", (43,))]
    with pytest.raises(StoreError, match="no finished fold of dataset=iemocap"):
        read_studies(client, "plb_ablate", "iemocap")


def test_foreign_runs_in_the_experiment_are_passed_over(sweep: Make, uri: str) -> None:
    made = sweep()
    made.client.set_terminated(made.client.create_run(made.experiment_id, tags={"level": "fold"}).info.run_id)
    with pytest.raises(StoreError, match="no finished fold"):
        read_studies(open_store(uri), "plb_ablate")


def test_an_unknown_experiment_names_those_there_are(uri: str) -> None:
    with pytest.raises(StoreError, match="existing: Default"):
        read_studies(open_store(uri), "plb_ablate")


def test_a_store_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no MLflow store at"):
        open_store(f"sqlite:///{tmp_path}/mlflow.db")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_store_is_left_as_it_is(tmp_path: Path) -> None:
    empty, words = tmp_path / "empty.db", tmp_path / "words.db"
    empty.touch()
    words.write_text("no database " * 100)
    for path in (empty, words):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=path.name):
            open_store(f"sqlite:///{path}")
        assert path.read_bytes() == before


def test_a_server_that_does_not_answer_is_a_store_error_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"The MLflow store http://\*\*\*@127.0.0.1:9 cannot be used") as caught:
        read_studies(open_store("http://user:secret@127.0.0.1:9"), "plb_ablate")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("", "500 of 535 utterances"),
        ("as published", ""),
        (
            "445 of 535 utterances, speakers 15, 16 missing; other rates",
            "445 of 535 utterances, speakers 15, 16 missing",
        ),
    ],
)
def test_the_verdict_says_how_the_corpus_differs(tag: str, words: str, sweep: Make, uri: str) -> None:
    made = sweep()
    parent = made.parent("none", n_folds=1)
    child = made.child("none", 0, 0.8, n_folds=1, parent=parent)
    if tag:
        made.client.set_tag(child, "corpus", tag)
    said = verdict(analyse(read_studies(open_store(uri), "plb_ablate")[0]))
    assert (f"**The corpus is not the published one**: {words}" in said) == bool(words)
    assert ("not the published one" in said) == bool(words)


def test_the_leakage_audit_is_read_from_a_parent_run(sweep: Make, uri: str) -> None:
    made = sweep()
    made.variant("none", [0.8], n_folds=1)
    client = open_store(uri)
    assert read_leaks(client, read_studies(client, "plb_ablate")[0]) is None
    shared = SharedSpeakers(fold=0, sides=("train", "test"), speakers=("03",))
    report = LeakageReport("emodb", ("a",), 1, ("speakers",), (shared,), (), ())
    parent = made.variant("sa", [0.8], n_folds=1)
    made.client.log_dict(parent, report.to_dict(), "leakage.json")
    assert read_leaks(client, read_studies(client, "plb_ablate")[0]) == tuple(report.warnings())
    assert report.warnings()
    made.client.log_dict(parent, {"odd": 1}, "leakage.json")
    warnings = read_leaks(client, read_studies(client, "plb_ablate")[0])
    assert warnings is not None
    assert "another version" in warnings[0]
