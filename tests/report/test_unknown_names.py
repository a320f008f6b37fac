"""The report of a model and a corpus that this program has never heard of."""

from collections.abc import Callable
from pathlib import Path

from plb_ablate.report.__main__ import main
from tests.report.store import Sweep

Make = Callable[..., Sweep]

PARTS = {"encoder": 900, "attention": 60, "gru": 40}
VARIANTS = ["attention", "gru", "attention+gru"]


def written(made: Sweep, folder: Path) -> str:
    """Report a model of one's own with two removable modules; give the page."""
    scores = {"attention+gru": 0.5, "gru": 0.62, "none": 0.8, "attention": 0.7}
    for place, (name, score) in enumerate(scores.items(), 1):
        kept = {part: count for part, count in PARTS.items() if part not in name.split("+")}
        made.variant(name, [score + 0.01 * (fold * place % 5) for fold in range(5)], n_folds=5, modules=kept)
    assert main(["--out", "r"]) == 0
    return (folder / "r" / f"{made.dataset}.md").read_text()


def rows(page: str, title: str) -> list[list[str]]:
    """Give the rows of the first table of a section."""
    table = page.split(f"### {title}\n", 1)[1].split("\n|", 1)[1].partition("\n\n")[0]
    return [line.strip("|").split("|") for line in table.splitlines()[2:]]


def test_own_variants_of_an_own_corpus_are_reported_under_their_own_names(sweep: Make, tmp_path: Path) -> None:
    page = written(sweep(dataset="my_corpus", protocol="nested"), tmp_path)
    for title in ("True accuracies", "Optimism gap", "Cost and benefit"):
        assert [row[0] for row in rows(page, title)] == ["proposed", *VARIANTS], title
    tested = rows(page, "Differences from the proposed model")
    assert [(row[0], row[1], row[4] != "–") for row in tested] == [
        ("attention", "+10.00", True),
        ("gru", "+18.00", True),
        ("attention+gru", "+30.00", True),
    ]
    assert [row[:2] + row[3:] for row in rows(page, "Audit: removals took effect")] == [
        ["attention", "60", "attention 60", "unknown to this version"],
        ["gru", "40", "gru 40", "unknown to this version"],
        ["attention+gru", "100", "attention 60, gru 40", "unknown to this version"],
    ]
    for name in ("The published table and ours", "Audit: published against reproduced", "over the published ones"):
        assert name not in page
    drawn = {path.stem for path in (tmp_path / "r").rglob("*.png")}
    assert drawn == {"forest", "paired", "gap", "parameters"}


def test_own_variants_of_a_published_corpus_do_not_stop_the_report(sweep: Make, tmp_path: Path) -> None:
    page = written(sweep(dataset="ravdess", protocol="published", trainer="published"), tmp_path)
    assert [row[0] for row in rows(page, "True accuracies")] == ["proposed", *VARIANTS]
