"""Reports of studies whose variants raced: what left is decided, not missing, and judged by its looks."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from plb_ablate.published.tables import fold_scores
from plb_ablate.report.analysis import analyse
from plb_ablate.report.page import sections
from plb_ablate.report.raced import with_race
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import accuracy_table, block_table, wa_table
from plb_ablate.report.tables.render import to_markdown
from plb_ablate.report.tables.verdict import verdict
from tests.report.studies import make_study, shown

NAMES = ("dwscnn", "cbam", "spa_published", "sa", "routing")
LEAVES = {"none": 9, "dwscnn": 7, "cbam": 4, "spa_published": 9, "sa": 7, "routing": 6}
"""Rounds after which the variants of the published RAVDESS study leave, and with the last of them the reference."""


def published_study(leaves: dict[str, int]) -> Study:
    """The published RAVDESS folds, of each variant the first ones only."""
    scores = {name: fold_scores("ravdess", name)[:folds].tolist() for name, folds in leaves.items()}
    return make_study(scores, n_folds=10, dataset="ravdess", n_utterances=1440)


def tagged(study: Study, looks: int, seeds: Sequence[int] = (42,), futility: float = 0.05) -> Study:
    """A study whose parent runs have the tags of a race over its variants."""
    tags = {"race/plan": json.dumps({"variants": NAMES, "seeds": list(seeds), "futility": futility})}
    tags |= {"race/at": f"{looks:02d}/{10 * len(seeds)}", "race/decision": "reference"}
    return replace(study, configs=tuple(replace(run, raced=tags) for run in study.configs))


@pytest.fixture
def study() -> Study:
    """A study that a race stopped at its ninth round."""
    return with_race(tagged(published_study(LEAVES), 9))


def test_the_race_is_held_again_over_the_runs(study: Study) -> None:
    assert study.race is not None
    expected = {name: (number, "futile" if name == "cbam" else "shown") for name, number in LEAVES.items()}
    assert study.race.decided == {name: expected[name] for name in NAMES}


def test_a_variant_that_left_is_decided_and_never_missing(study: Study) -> None:
    table = wa_table(study)
    assert table.header[-1] == "folds"
    assert {row[0]: row[-1] for row in shown(table)} == {
        "proposed": "decided at 9/10",
        "DWSCNN": "decided at 7/10",
        "CBAM": "decided at 4/10",
        "Spa (published)": "decided at 9/10",
        "SA": "decided at 7/10",
        "routing": "decided at 6/10",
        "Δ": "",
    }
    for other in (table, accuracy_table(study, "best_test"), block_table(study)):
        assert "Missing" not in to_markdown(other)
        assert "decided at 9/10" in to_markdown(other)
    assert "missing" not in verdict(analyse(study))


def test_it_is_left_out_of_max_min_and_best() -> None:
    """Only a variant that went all the way has numbers beside the proposed model."""
    raced = with_race(tagged(published_study(LEAVES | {"none": 10, "cbam": 10}), 10, futility=0.0))
    rows = {row[0]: row for row in shown(wa_table(raced))}
    assert rows["CBAM"][5] == "10/10"
    assert all("–" not in rows[name] for name in ("proposed", "CBAM", "Δ"))
    assert all(rows[name][2:5] == ["–"] * 3 for name in ("DWSCNN", "SA", "routing", "Spa (published)"))
    assert sum(cell.endswith("*") for name in ("proposed", "CBAM") for cell in rows[name]) >= 3


def test_the_verdict_is_that_of_the_looks(study: Study) -> None:
    analysis = analyse(study)
    assert not analysis.primary_comparisons, "a test of the survivors would spend the error again"
    words = verdict(analysis)
    assert "DWSCNN (loss when removed, decided at 7/10)" in words
    assert "- **Futile: it could not be decided any more**: CBAM (decided at 4/10)." in words
    assert "42 of 60 trainings" in words
    assert "biased away from zero" in words


def test_the_page_has_the_looks_and_their_levels(study: Study) -> None:
    parts = {section.title: section for section in sections(analyse(study))}
    race, looks = parts["Differences from the proposed model"].tables
    rows = {row[0]: dict(zip(race.header, row, strict=True)) for row in shown(race)}
    assert rows["routing"]["decision"] == "shown (loss)"
    assert float(rows["routing"]["level"]) < float(rows["SA"]["level"])
    assert float(rows["SA"]["spent"]) > float(rows["routing"]["spent"]) > 0
    assert [row[0] for row in shown(looks)] == [str(number) for number in range(1, 10)]
    assert shown(looks)[6][-1] == "DWSCNN, SA"


def test_a_race_that_still_runs_says_what_is_missing() -> None:
    study = with_race(tagged(published_study(dict.fromkeys(LEAVES, 4)), 4))
    assert study.race is not None
    assert study.race.racing == ("dwscnn", "spa_published", "sa", "routing")
    notes = " ".join(wa_table(study).notes)
    assert "DWSCNN: seed 42 fold 4 5 6 7 8 9" in notes
    assert "CBAM: seed" not in notes
    assert "still in the race" in verdict(analyse(study)).lower()


def test_with_all_trainings_the_report_is_as_if_there_had_been_no_race() -> None:
    plain = published_study(dict.fromkeys(LEAVES, 10))
    raced = with_race(tagged(plain, 9))
    assert raced.race is None
    assert verdict(analyse(raced)) == verdict(analyse(plain))
    assert wa_table(raced) == wa_table(plain)


def test_a_variant_that_did_not_race_is_named() -> None:
    """It was trained before the race or after it, and has no test while the race stands."""
    alone = with_race(tagged(published_study(LEAVES), 9))
    both = make_study(
        {name: fold_scores("ravdess", name)[:folds].tolist() for name, folds in LEAVES.items()}
        | {"routing_constant": fold_scores("ravdess", "none").tolist()},
        n_folds=10,
        dataset="ravdess",
        n_utterances=1440,
    )
    words = verdict(analyse(with_race(tagged(both, 9))))
    assert "- **Not in the race**, hence without a test of the method here: routing, uniform coefficients." in words
    assert "Not in the race" not in verdict(analyse(alone))


def test_another_seed_than_the_race_had_is_no_race() -> None:
    assert with_race(tagged(published_study(LEAVES), 9, seeds=(7,))).race is None
