"""Our learning curves over the published ones: tables, figure and claims."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from plb_ablate.published import tables as published
from plb_ablate.published.curves import curves_kept
from plb_ablate.report.analysis import Analysis, analyse
from plb_ablate.report.figures.comparison import write_figures
from plb_ablate.report.page import sections
from plb_ablate.report.published.claims import claims
from plb_ablate.report.published.learning_curves import agreement_table, agreements, judged_table
from plb_ablate.report.read_artifacts import Trainings
from tests.published.test_curves import like_published
from tests.report.studies import make_study, shown

History = Mapping[str, Sequence[float]]


def trained(histories: Mapping[str, Sequence[History]], dataset: str = "emodb", **settings: Any) -> Analysis:
    n_utterances = published.UTTERANCES.get(dataset, 100)
    made: dict[str, Any] = {"trainer": "published", "epochs": 20, "n_utterances": n_utterances, **settings}
    study = make_study({name: [0.5] * 10 for name in histories}, dataset=dataset, **made)
    curves = {name: tuple(map(pd.DataFrame, folds)) for name, folds in histories.items()}
    matrix = pd.DataFrame([[1, 0], [0, 1]])
    return analyse(study, None, Trainings(42, curves, dict.fromkeys(histories, matrix)))


def test_a_short_study_of_the_published_training_is_held_against_the_curves() -> None:
    analysis = trained({"none": like_published("emodb", "none"), "sa": like_published("emodb", "sa", shift=0.05)})
    found = agreements(analysis)
    rows = shown(agreement_table("emodb", found))
    assert rows[0][:6] == ["proposed", "10", "20", "none of 20", "none of 20", "none of 20"]
    assert [row[6] for row in rows] == ["yes", "no"]
    assert rows[1][3].endswith("(20 of 20)")
    numbers = shown(judged_table("emodb", found))
    assert numbers[0][1:4] == ["0.5032", "0.5032 ± 0.0180", "+0.0"]
    assert [section.title for section in sections(analysis)].count("Learning curves over the published ones") == 1


def test_every_published_variant_has_its_claim() -> None:
    analysis = trained({"none": like_published("emodb", "none"), "sa": like_published("emodb", "sa", shift=0.05)})
    found = {claim.subject: claim for claim in claims(analysis) if "trains like" in claim.subject}
    assert len(found) == len(curves_kept("emodb")) == 7
    verdicts = {name: (claim.ours.text, claim.verdict) for name, claim in found.items()}
    assert verdicts["proposed trains like the published one"] == ("yes", "reproduced")
    assert verdicts["SA trains like the published one"] == ("no", "contradicted")
    assert verdicts["CBAM trains like the published one"] == ("not decidable", "not decidable")


def test_the_erratum_stands_with_routing_on_emodb() -> None:
    analysis = trained({"routing": like_published("emodb", "routing"), "sa": like_published("emodb", "sa")})
    found = {claim.subject: claim for claim in claims(analysis)}
    assert found["routing trains like the published one"].errata == (10,)
    assert found["SA trains like the published one"].errata == ()
    assert 10 in found["avg_WA(%) of routing"].errata
    assert not {9, 10} & set(found["avg_WA(%) of SA"].errata)
    notes = agreement_table("emodb", agreements(analysis)).notes
    assert sum(note.startswith("Erratum 10: The EMO-DB row routing") for note in notes) == 1
    assert not any(note.startswith("Erratum") for note in agreement_table("emodb", agreements(analysis)[1:]).notes)


def test_erratum_11_stands_once_below_the_table_of_both_single_streams() -> None:
    names = ("spa_published", "backward_only", "routing_undilated")
    analysis = trained({name: like_published("emodb", name) for name in names})
    found = {claim.subject: claim for claim in claims(analysis)}
    assert found["backward only trains like the published one"].errata == (11,)
    assert {1, 11} <= set(found["avg_WA(%) of Spa (published)"].errata)
    table = agreement_table("emodb", agreements(analysis))
    assert [row[0] for row in shown(table)] == ["Spa (published)", "backward only", "routing, undilated"]
    assert [note[:11] for note in table.notes if note.startswith("Erratum")] == ["Erratum 11:"]


def test_erratum_9_stands_with_routing_on_ravdess() -> None:
    found = {claim.subject: claim for claim in claims(trained({"sa": like_published("ravdess", "sa")}, "ravdess"))}
    assert found["routing trains like the published one"].errata == (9,)
    assert 9 in found["avg_WA(%) of routing"].errata
    assert "proposed trains like the published one" not in found
    assert found["SA trains like the published one"].verdict == "reproduced"


@pytest.mark.parametrize("settings", [{"trainer": "demo"}, {"protocol": "nested"}, {"n_utterances": 360}])
def test_another_experiment_is_not_decided(settings: dict[str, Any]) -> None:
    (agreement,) = agreements(trained({"none": like_published("emodb", "none")}, **settings))
    assert agreement.answer == "not decidable"
    assert agreement.reason.startswith("this is not the published training: ")


def test_the_figure_is_drawn_and_its_bytes_do_not_change(tmp_path: Path) -> None:
    analysis = trained({"none": like_published("emodb", "none"), "cbam+sa": like_published("emodb", "sa")})
    first, again = (write_figures(analysis, tmp_path / name) for name in ("first", "again"))
    (ours,) = (path for path in first if path.stem == "published_curves")
    assert ours.read_bytes() == (tmp_path / "again" / ours.name).read_bytes()
    assert [path.name for path in first] == [path.name for path in again]


def test_without_published_curves_there_is_no_section(tmp_path: Path) -> None:
    analysis = trained({"none": like_published("emodb", "none")}, "synthetic")
    assert agreements(analysis) == []
    assert "published_curves" not in {path.stem for path in write_figures(analysis, tmp_path)}
    assert "Learning curves over the published ones" not in {section.title for section in sections(analysis)}


def test_stores_of_before_have_no_curves_by_batches(tmp_path: Path) -> None:
    analysis = trained({"none": [{"train/loss": [0.5] * 20, "train/accuracy": [0.5] * 20, "test/wa": [0.5] * 20}] * 10})
    (agreement,) = agreements(analysis)
    assert agreement.answer == "not decidable"
    assert "published_curves" not in {path.stem for path in write_figures(analysis, tmp_path)}
