import pytest

from plb_ablate.report.tables.model import MISSING, Table, TableCell, cut, number, rounded, text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(90.767, "90.76"), (74.375, "74.37"), (88.18664, "88.18"), (85.12, "85.12"), (0.29 * 100, "29.00")],
)
def test_published_numbers_are_cut_not_rounded(value: float, shown: str) -> None:
    assert cut(value).text == shown


def test_rounded_numbers_are_signed_when_asked_and_zero_has_a_plain_sign() -> None:
    assert rounded(2.731, signed=True) == TableCell("+2.73", 2.73)
    assert rounded(-0.001, signed=True) == TableCell("+0.00", 0.0)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_no_number_is_a_dash_and_an_empty_csv_cell(value: float | None) -> None:
    assert rounded(value) == TableCell(MISSING, None)


def test_best_marks_ties_and_passes_over_dashes() -> None:
    rows = tuple(
        (text(name), number(value, ".1f")) for name, value in [("a", 2.0), ("b", None), ("c", 2.0), ("d", 1.0)]
    )
    table = Table("t", "", ("name", "value"), rows, "lr").with_best((1,), range(4))
    assert [row[1].best for row in table.rows] == [True, False, True, False]


def test_a_ragged_table_is_refused() -> None:
    with pytest.raises(ValueError, match="table t"):
        Table("t", "", ("a", "b"), ((text("1"),),), "lr")
