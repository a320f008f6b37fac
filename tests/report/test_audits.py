from dataclasses import replace

import pytest

from plb_ablate.report.analysis import analyse
from plb_ablate.report.study import Study
from plb_ablate.report.tables.cost_benefit import cost_table
from plb_ablate.report.tables.provenance import origin_table
from plb_ablate.report.tables.removal_check import removal_table
from tests.report.studies import make_study, shown

NAMES = ("none", "dwscnn", "cbam", "spa", "spa_published", "sa", "routing", "forward_only", "dwscnn+sa", "cbam+spa")


def test_every_removal_takes_what_it_should() -> None:
    rows = shown(removal_table(make_study({name: [0.8, 0.7] for name in NAMES})))
    assert [row[-1] for row in rows] == ["yes"] * 9
    taken = {row[0]: row[1] for row in rows}
    assert taken["DWSCNN"] == "25,600"
    assert taken["Spa (published)"] == "1,518"
    assert taken["dwscnn+sa"] == "25,830"  # nothing applies the capsule gate any more


def with_modules(study: Study, ablation: str, **modules: int) -> Study:
    changed = [
        replace(run, modules={**(run.modules or {}), **modules}) if run.ablation == ablation else run
        for run in study.configs
    ]
    return Study(study.key, study.folds, tuple(changed))


@pytest.mark.parametrize("modules", [{"dwscnn": 25600}, {"dwscnn": 100}, {"routing": 1}])
def test_a_removal_that_took_nothing_or_something_else_is_told(modules: dict[str, int]) -> None:
    study = with_modules(make_study({"none": [0.8, 0.7], "dwscnn": [0.8, 0.7]}), "dwscnn", **modules)
    assert shown(removal_table(study))[0][-1] == "NO: expected dwscnn"


def test_a_removal_without_parameters_is_no_failure() -> None:
    study = make_study({"none": [0.8, 0.7], "cbam": [0.8, 0.7]})
    for name in ("none", "cbam"):
        study = with_modules(study, name, cbam=0)
    assert shown(removal_table(study))[0][1:] == ["0", "0", "nothing", "not visible in counts"]


def test_cost_per_thousand_parameters_and_the_published_ratio() -> None:
    none = [0.8818 + 0.01 * (-1) ** fold for fold in range(10)]
    table = cost_table(
        analyse(
            make_study(
                {
                    "none": none,
                    "dwscnn": [score - 0.0512 + 0.001 * (-1) ** fold for fold, score in enumerate(none)],
                }
            )
        )
    )
    assert shown(table) == [
        ["proposed", "95,288", "–", "–", "–", "10.0", "92.54", ""],
        ["DWSCNN", "69,688", "25,600", "+5.12", "+0.200", "10.0", "119.18*", "significant loss"],
    ]


def test_provenance_lists_values_that_differ() -> None:
    study = make_study({"none": [0.8, 0.7]})
    folds = tuple(replace(run, tags={"git_commit": commit}) for run, commit in zip(study.folds, "ba", strict=True))
    rows = dict(shown(origin_table(replace(study, folds=folds))))
    assert rows["git commit"] == "a, b"
    assert rows["config hash"] == "0123456789"
    assert rows["utterances"] == "100"
