import pytest

from plb_ablate.report.tables.model import Table, TableCell, number, text
from plb_ablate.report.tables.render import to_csv, to_latex, to_markdown, to_rich


@pytest.fixture
def table() -> Table:
    rows = (
        (text("proposed"), number(95288), TableCell("88.18", 88.18, best=True)),
        (text("a|b_c"), number(None), TableCell("–")),
        (text("Δ"), TableCell(""), TableCell("+2.73", 2.73)),
    )
    return Table("wa", "WA in %", ("Name", "#Params", "avg_WA(%)"), rows, "lrr", ("A note.",))


def test_markdown_marks_the_best_as_the_published_page_does(table: Table) -> None:
    assert to_markdown(table) == (
        "WA in %\n\n|Name|#Params|avg_WA(%)|\n|----|---:|---:|\n|proposed|95,288|<U>**88.18**</U>|\n"
        "|a\\|b_c|–|–|\n|Δ||+2.73|\n\nA note.\n"
    )


def test_csv_is_for_programs(table: Table) -> None:
    assert to_csv(table) == "Name,#Params,avg_WA(%)\nproposed,95288,88.18\na|b_c,,\nΔ,,2.73\n"


def test_latex_escapes_and_uses_booktabs(table: Table) -> None:
    latex = to_latex(table)
    assert r"\toprule" in latex
    assert r"proposed & 95,288 & \underline{\textbf{88.18}} \\" in latex
    assert r"Name & \#Params & avg\_WA(\%) \\" in latex
    assert "    \\midrule\n    $\\Delta$ &  & +2.73 \\\\\n    \\bottomrule" in latex
    assert r"\caption{WA in \%}" in latex


def test_terminal_table_takes_every_row(table: Table) -> None:
    assert to_rich(table).row_count == 3
