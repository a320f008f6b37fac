import math

import pytest

from plb_ablate.report.analysis import analyse, effect
from plb_ablate.report.tables.differences import comparison_table, p_cell
from plb_ablate.report.tables.optimism_gap import changes, delta_by_rule_table, gap_table, gap_words
from plb_ablate.report.tables.verdict import verdict
from tests.report.studies import make_study, shown

NONE = [0.80, 0.82, 0.78, 0.81, 0.79, 0.80, 0.83, 0.77, 0.80, 0.80]


def minus(points: float, spread: float = 0.002) -> list[float]:
    """Scores lower than those of the proposed model by about `points`, up and down by `spread`."""
    return [score - points / 100 + spread * (-1) ** i for i, score in enumerate(NONE)]


SCORES = {"none": NONE, "routing": minus(8), "cbam": minus(0.1, 0.001), "sa": minus(-5), "spa": minus(1, 0.06)}


@pytest.mark.parametrize(
    ("name", "word"), [("routing", "costs"), ("sa", "gains"), ("cbam", "equivalent"), ("spa", "inconclusive")]
)
def test_each_kind_of_effect_is_told_apart(name: str, word: str) -> None:
    assert effect(analyse(make_study(SCORES)).primary_comparisons[name]) == word


def test_the_verdict_names_protocol_rule_and_every_variant() -> None:
    words = verdict(analyse(make_study(SCORES | {"dwscnn": NONE[:9]})))
    assert "protocol=published" in words
    assert "optimistic" in words
    order = ["the method: significant loss", "routing: Δ +8.00", "the method: significant gain", "SA: Δ -5.00"]
    order += [
        "Shown not to matter, for the method",
        "CBAM: Δ",
        "Open (inconclusive)",
        "Spa (clean): Δ +1.00",
        "Not compared",
        "DWSCNN",
    ]
    places = [words.index(part) for part in order]
    assert places == sorted(places)


def test_a_nested_study_is_not_called_optimistic() -> None:
    assert "optimistic" not in verdict(analyse(make_study(SCORES, "nested")))


def test_without_a_whole_proposed_model_there_is_no_verdict() -> None:
    analysis = analyse(make_study({"none": NONE[:9], "sa": NONE}))
    assert "**No verdict.**" in verdict(analysis)
    assert "9 of 10 folds" in verdict(analysis)
    assert shown(comparison_table(analysis))[0][1:] == ["–"] * 10


@pytest.mark.parametrize("folds", [3, 10])
def test_equal_differences_are_no_certainty(folds: int) -> None:
    """Three differences of +3.12 points once gave p < 0.0001 and *significance changes*."""
    last = {"none": NONE[:folds], "spa": [score - 0.0312 for score in NONE[:folds]]}
    analysis = analyse(make_study({"none": NONE[:folds], "spa": minus(1, 0.06)[:folds]}, last=last))
    test = analysis.by_rule["last"]["spa"].test
    assert math.isnan(test.p)
    assert "significance" not in changes(analysis, "spa")
    row = shown(delta_by_rule_table(analysis))[0]
    assert row[2] == "+3.12"
    assert row[4] == "–"
    assert effect(analysis.by_rule["last"]["spa"]) == "inconclusive"


def test_one_fold_gives_a_page_without_statistics() -> None:
    words = verdict(analyse(make_study({"none": [0.8], "sa": [0.7]})))
    assert "**No verdict.**" in words
    assert "two folds or more" in words


def test_differences_are_in_points_with_their_interval() -> None:
    row = shown(comparison_table(analyse(make_study({"none": NONE, "routing": minus(8)}))))[0]
    assert row[:2] == ["routing", "+8.00"]
    assert float(row[2]) < 8 < float(row[3])
    assert row[6:9] == ["1.00", "0.00", "0.00"]


@pytest.mark.parametrize(
    ("p", "shown_as"),
    [(0.0549, "0.055"), (0.294, "0.29"), (0.00448, "0.0045"), (0.000149, "0.0001"), (1.9e-8, "< 0.0001"), (1, "1.00")],
)
def test_p_values_have_two_digits(p: float, shown_as: str) -> None:
    assert p_cell(p).text == shown_as


def test_the_gap_is_best_on_test_minus_the_other_rules() -> None:
    study = make_study({"none": [0.8, 0.6], "sa": [0.7]}, last={"none": [0.7, 0.5], "sa": [0.6]})
    table = gap_table(study)
    assert table.header == ("Name", "best_test", "last", "best_test - last")
    assert shown(table) == [["proposed", "70.00", "60.00", "+10.00"], ["SA", "–", "–", "–"]]


def test_a_delta_that_changes_with_the_rule_is_named() -> None:
    last = {"none": NONE, "routing": minus(-8), "cbam": minus(0.1, 0.001)}
    study = make_study({"none": NONE, "routing": minus(8), "cbam": minus(0.1, 0.001)}, last=last)
    analysis = analyse(study)
    assert changes(analysis, "routing") == "sign"
    assert changes(analysis, "cbam") == "no"
    assert [row[-1] for row in shown(delta_by_rule_table(analysis))] == ["no", "sign"]
    assert gap_words(analysis) == (
        "The sign or significance of Δ depends on the epoch-selection rule for routing (sign)."
    )


def test_significance_that_changes_with_the_rule_is_named() -> None:
    study = make_study({"none": NONE, "routing": minus(8)}, last={"none": NONE, "routing": minus(8, 0.2)})
    assert changes(analyse(study), "routing") == "significance"
