from pathlib import Path

import pytest

from plb_ablate.report.analysis import analyse
from plb_ablate.report.figures.comparison import write_figures
from tests.report.studies import make_study

SCORES = {"none": [0.80, 0.70, 0.75], "sa": [0.70, 0.65, 0.66], "cbam+sa": [0.72, 0.70, 0.70]}


def test_figures_are_drawn_and_their_bytes_do_not_change(tmp_path: Path) -> None:
    analysis = analyse(make_study(SCORES, "nested"))
    first, again = (write_figures(analysis, tmp_path / name) for name in ("first", "again"))
    assert [path.name for path in first] == ["forest.png", "paired.png", "gap.png", "parameters.png"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_figures_are_free_of_versions_and_dates(tmp_path: Path) -> None:
    content = write_figures(analyse(make_study(SCORES)), tmp_path)[0].read_bytes()
    assert b"atplotlib" not in content
    assert b"Date" not in content


def test_other_scores_give_other_figures(tmp_path: Path) -> None:
    changed = SCORES | {"sa": [0.71, 0.65, 0.66]}
    first = write_figures(analyse(make_study(SCORES)), tmp_path / "first")
    other = write_figures(analyse(make_study(changed)), tmp_path / "other")
    alike = [a.stem for a, b in zip(first, other, strict=True) if a.read_bytes() == b.read_bytes()]
    assert alike == ["parameters"]


@pytest.mark.parametrize("scores", [{"none": [0.8, 0.7]}, {"none": [0.8], "sa": [0.7, 0.6]}])
def test_nothing_to_compare_draws_no_difference(scores: dict[str, list[float]], tmp_path: Path) -> None:
    written = write_figures(analyse(make_study(scores)), tmp_path)
    assert {path.name for path in written} <= {"gap.png", "parameters.png"}


def test_many_variants_wrap_into_rows(tmp_path: Path) -> None:
    names = ("none", "dwscnn", "cbam", "spa", "sa", "routing", "cbam+sa", "dwscnn+cbam+spa+sa+routing")
    written = write_figures(analyse(make_study({name: [0.8, 0.7] for name in names})), tmp_path)
    assert "paired.png" in {path.name for path in written}
