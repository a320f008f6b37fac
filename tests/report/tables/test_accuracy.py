import csv
from pathlib import Path

from plb_ablate.report.tables.accuracy import accuracy_table, block_table, wa_table
from tests.report.studies import make_study, shown


def test_the_published_folds_give_the_published_table(shared: Path) -> None:
    with (shared / "published" / "folds.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "emodb"]
    scores: dict[str, list[float]] = {}
    for row in rows:
        scores.setdefault(row["ablation"], []).append(float(row["wa_percent"]) / 100)
    assert [row[2:] for row in shown(wa_table(make_study(scores)))] == [
        ["90.76", "85.11*", "88.18*"],
        ["92.11", "74.03", "82.17"],
        ["94.49*", "78.79", "85.88"],
        ["92.11", "82.38", "87.24"],
        ["92.93", "79.53", "84.51"],
        ["87.42", "70.83", "78.66"],
        ["-3.73", "+2.73", "+0.94"],
    ]


def test_a_variant_with_missing_folds_is_shown_as_such_and_takes_no_part() -> None:
    table = wa_table(make_study({"none": [0.8, 0.6], "dwscnn": [0.99], "cbam": [0.7, 0.5]}))
    assert table.header[-1] == "folds"
    assert shown(table) == [
        ["proposed", "95,288", "80.00*", "60.00*", "70.00*", "2/2"],
        ["DWSCNN", "69,688", "–", "–", "–", "1/2"],
        ["CBAM", "90,994", "70.00", "50.00", "60.00", "2/2"],
        ["Δ", "", "+10.00", "+10.00", "+10.00", ""],
    ]
    assert any("DWSCNN: seed 42 fold 1" in note for note in table.notes)


def test_without_a_whole_proposed_model_there_is_no_delta() -> None:
    assert shown(wa_table(make_study({"none": [0.8], "cbam": [0.7, 0.5]})))[-1][2:5] == ["–"] * 3
    assert shown(wa_table(make_study({"none": [0.8, 0.7]})))[-1][2:] == ["–"] * 3


def test_no_folds_column_where_nothing_is_missing() -> None:
    assert wa_table(make_study({"none": [0.8, 0.6]})).header[-1] == "avg_WA(%)"


def test_several_seeds_are_taken_together() -> None:
    table = wa_table(make_study({"none": [0.8, 0.6, 0.9, 0.5]}, seeds=(42, 43)))
    assert shown(table)[0][2:] == ["90.00*", "50.00*", "70.00*"]
    assert "2 folds of each of 2 seeds" in table.caption


def test_a_rule_that_looks_at_the_test_fold_is_called_optimistic() -> None:
    assert "optimistic" in wa_table(make_study({"none": [0.8, 0.6]})).caption
    assert "optimistic" not in wa_table(make_study({"none": [0.8, 0.6]}, "nested")).caption


def test_a_nested_study_reports_true_accuracy() -> None:
    assert shown(wa_table(make_study({"none": [0.8, 0.6]}, "nested")))[0][2:] == ["79.00*", "59.00*", "69.00*"]


def test_accuracies_carry_their_sample_standard_deviation() -> None:
    table = accuracy_table(make_study({"none": [0.8, 0.6], "cbam": [0.5]}), "last")
    assert shown(table)[0] == ["proposed", "69.00*", "14.14", "70.00*", "14.14", "70.00*", "14.14", "2/2"]
    assert shown(table)[1] == ["CBAM", "–", "–", "–", "–", "–", "–", "1/2"]


def test_the_block_stands_apart_from_the_removals() -> None:
    study = make_study({"none": [0.8, 0.6], "cbam": [0.7, 0.5], "backward_only": [0.9, 0.7]})
    assert [row[0] for row in shown(wa_table(study))] == ["proposed", "CBAM", "Δ"]
    assert shown(block_table(study)) == [
        ["both streams", "95,288", "60.00", "80.00", "70.00", "14.14", "2/2"],
        ["forward only", "–", "–", "–", "–", "–", "0/2"],
        ["backward only", "93,872", "70.00*", "90.00*", "80.00*", "14.14", "2/2"],
    ]
