from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plb_ablate.published import tables as published
from plb_ablate.report.analysis import analyse
from plb_ablate.report.page import heading
from plb_ablate.report.published.claims import Claim, claims, claims_table, claims_words
from plb_ablate.report.published.comparison import beside_table, departures
from plb_ablate.report.study import Study
from plb_ablate.statistics.extremes import extreme_interval
from tests.report.studies import make_study, shown

ROWS = ("none", *published.REMOVALS)


def like_published(shift: float = 0.0, rows: Sequence[str] = ROWS, **settings: Any) -> Study:
    """The published EMO-DB folds as if they were our runs, `shift` added to every score."""
    scores = {name: [float(score) + shift for score in published.fold_scores("emodb", name)] for name in rows}
    kept: dict[str, Any] = {"trainer": "published", "epochs": 300, "n_utterances": 535, **settings}
    return make_study(scores, **kept)


def by_name(study: Study) -> dict[str, Claim]:
    return {claim.subject: claim for claim in claims(analyse(study))}


def test_every_claim_about_a_dataset_is_a_row() -> None:
    found = claims(analyse(like_published()))
    kinds = Counter(claim.subject.split(" of ")[0].split("_")[0] for claim in found)
    trainings = sum("trains like" in claim.subject for claim in found)
    assert {kind: n for kind, n in kinds.items() if "trains like" not in kind} == {
        "#Params": 6,
        "max": 6,
        "min": 6,
        "avg": 6,
        "Δ": 3,
        "best row": 3,
    }
    assert trainings == 7
    assert len(claims_table(found).rows) == 37


def test_the_published_folds_contradict_none_of_the_published_numbers() -> None:
    found = by_name(like_published())
    assert not [claim.subject for claim in found.values() if claim.verdict == "contradicted"]
    assert found["avg_WA(%) of proposed"].verdict == "reproduced"
    assert found["#Params of routing"].verdict == "reproduced"


def test_what_the_published_folds_leave_open_is_not_decidable() -> None:
    found = by_name(like_published())
    assert found["avg_WA(%) of DWSCNN"].verdict == "not decidable"  # ten folds spread too far
    assert found["Δ of avg_WA(%)"].verdict == "not decidable"
    assert found["best row of avg_WA(%)"].verdict == "not decidable"


def test_scores_far_away_contradict() -> None:
    found = by_name(like_published(-0.2))
    assert found["avg_WA(%) of proposed"].verdict == "contradicted"
    assert found["max_WA(%) of CBAM"].verdict == "contradicted"


def test_another_winner_contradicts_and_a_clear_one_reproduces() -> None:
    study = like_published()
    flat = {name: [0.70 + 0.001 * (fold % 3) for fold in range(10)] for name in ROWS}
    settings: dict[str, Any] = {"trainer": "published", "epochs": 300, "n_utterances": 535}
    clear = make_study(flat | {"none": [0.90 + 0.001 * (fold % 2) for fold in range(10)]}, **settings)
    wrong = make_study(flat | {"sa": [0.90 + 0.001 * (fold % 2) for fold in range(10)]}, **settings)
    verdicts = [by_name(s)["best row of avg_WA(%)"].verdict for s in (study, clear, wrong)]
    assert verdicts == ["not decidable", "reproduced", "contradicted"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 20}, "20 epochs instead of 300"),
        ({"trainer": "demo"}, "trainer=demo"),
        ({"n_utterances": 360}, "360 of 535 utterances"),
        ({"protocol": "nested"}, "protocol=nested"),
    ],
)
def test_another_experiment_decides_no_score(settings: dict[str, Any], words: str) -> None:
    study = like_published(-0.2, **settings)
    assert departures(study) == [words]
    found = claims(analyse(study))
    assert {c.verdict for c in found if not c.subject.startswith("#")} == {"not decidable"}
    assert words in claims_words(study, found)


def test_other_features_are_another_experiment() -> None:
    study = like_published(-0.2)
    study = replace(study, folds=tuple(replace(run, features="logmel n_mels=40") for run in study.folds))
    assert departures(study) == ["features logmel n_mels=40"]
    assert "features logmel n_mels=40" in heading(study)
    assert {c.verdict for c in claims(analyse(study)) if not c.subject.startswith("#")} == {"not decidable"}


def test_another_loss_is_another_experiment() -> None:
    study = like_published(-0.2)
    study = replace(study, folds=tuple(replace(run, training="loss=focal") for run in study.folds))
    assert departures(study) == ["trainer=published with loss=focal"]
    assert {c.verdict for c in claims(analyse(study)) if not c.subject.startswith("#")} == {"not decidable"}


def test_the_published_study_departs_from_itself_in_nothing() -> None:
    assert departures(like_published()) == []


def test_a_missing_variant_is_not_decidable() -> None:
    found = by_name(like_published(rows=("none", "cbam")))
    assert found["#Params of SA"].verdict == "not decidable"
    assert found["avg_WA(%) of SA"].verdict == "not decidable"
    assert found["avg_WA(%) of SA"].interval is None
    assert found["avg_WA(%) of CBAM"].verdict == "reproduced"


def test_a_wrong_count_contradicts() -> None:
    study = make_study({"none": [0.8, 0.7]}, dataset="ravdess")  # counts of 7 classes, the page has 8
    assert by_name(study)["#Params of proposed"].verdict == "contradicted"


def test_errata_stand_with_the_claims_that_they_bear_on() -> None:
    found = by_name(like_published())
    assert found["#Params of Spa (published)"].errata == (1,)
    assert found["#Params of CBAM"].errata == ()
    assert 1 not in found["avg_WA(%) of CBAM"].errata
    assert {3, 8} <= set(found["Δ of avg_WA(%)"].errata)


def test_the_interval_of_the_largest_covers_the_largest_of_another_ten() -> None:
    random = np.random.default_rng(1)
    inside = 0
    for _ in range(4000):
        low, high = extreme_interval(random.normal(80, 4, 10).tolist(), 10)
        inside += low <= random.normal(80, 4, 10).max() <= high
    assert inside / 4000 == pytest.approx(0.95, abs=0.01)


def test_the_published_table_stands_beside_ours() -> None:
    rows = shown(beside_table(like_published(-0.01, rows=("none", "cbam", "routing"))))
    wa = ["90.76", "89.76", "-1.00", "85.11", "84.11", "-1.00", "88.18", "87.18", "-1.00"]
    assert rows[0] == ["proposed", "95,288", "95,288", *wa]
    assert rows[1][2:] == ["–", "92.11", "–", "–", "74.03", "–", "–", "82.17", "–", "–"]
    assert rows[-1][:5] == ["Δ", "", "", "-3.73", "-3.73"]
