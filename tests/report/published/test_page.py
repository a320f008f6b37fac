from pathlib import Path

import pytest

from plb_ablate.report.__main__ import main
from plb_ablate.report.published.page import printed_table, write_published
from tests.report.studies import shown

ERRATUM_8 = {
    "emodb": {"DWSCNN": "0.055", "CBAM": "0.29", "SA": "0.15", "Spa (published)": "0.55", "routing": "0.0045"},
    "ravdess": {"DWSCNN": "0.0001", "CBAM": "0.68", "SA": "0.0011", "Spa (published)": "0.0059", "routing": "< 0.0001"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("published")
    assert main(["--published", "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("dataset", ERRATUM_8)
def test_p_values_are_those_of_the_errata(run: Path, dataset: str) -> None:
    page = (run / "published.md").read_text()
    section = page.split(f"\n## {dataset}\n")[1].split("### Differences from the proposed model")[1]
    rows = [line.strip("|").split("|") for line in section.split("###")[0].splitlines() if line.startswith("|")]
    assert {row[0]: row[4] for row in rows[2:]} == ERRATUM_8[dataset]


def test_p_values_are_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--published", "--dataset", "emodb", "--out", str(tmp_path)]) == 0
    assert "|0.0045|" in capsys.readouterr().out


def test_iemocap_has_its_table_and_no_verdict(run: Path) -> None:
    section = (run / "published.md").read_text().split("\n## iemocap\n")[1]
    assert "**No verdict.**" in section
    assert "|Spa (published)|93,575|<U>**69.96**</U>|" in section


def test_tables_are_as_printed() -> None:
    rows = shown(printed_table("emodb"))
    assert rows[0] == ["proposed", "95,288", "90.76", "85.11*", "88.18*"]
    assert rows[-1] == ["Δ", "", "-3.73", "+2.73", "+0.94"]


def test_an_unknown_dataset_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--published", "--dataset", "synthetic"]) != 0
    assert "emodb, ravdess, iemocap" in capsys.readouterr().err


def test_the_replayed_race_gives_the_same_verdicts_from_fewer_trainings(run: Path) -> None:
    page = (run / "published.md").read_text()
    for dataset, trainings, left in (
        ("emodb", 44, {"routing": "7/10", "DWSCNN": "8/10", "CBAM": "7/10", "SA": "7/10", "Spa (published)": "7/10"}),
        ("ravdess", 42, {"routing": "6/10", "DWSCNN": "7/10", "CBAM": "4/10", "SA": "7/10", "Spa (published)": "9/10"}),
    ):
        section = page.split(f"\n## {dataset}\n")[1].split("### Decided with fewer trainings")[1].split("###")[0]
        assert f"{trainings} of 60 trainings" in section
        assert "The same verdicts as from all folds." in section
        assert "biased away from zero" in section
        rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
        assert {row[0]: row[2] for row in rows[2:7]} == left


def test_a_race_with_other_verdicts_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("plb_ablate.report.published.page.effect", lambda comparison: "gains")
    write_published(tmp_path, "ravdess")
    assert "Other verdicts than all folds: DWSCNN, CBAM" in (tmp_path / "published.md").read_text()


def test_the_replayed_race_is_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--published", "--dataset", "ravdess", "--out", str(tmp_path)]) == 0
    assert "42 of 60 trainings" in capsys.readouterr().out
