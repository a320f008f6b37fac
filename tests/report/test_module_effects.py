"""What a report says of modules and pairs, from runs whose effects are known."""

import shutil
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plb_ablate.config.designs import model_lattice, planned_variants
from plb_ablate.models.plb.family import PLB
from plb_ablate.report.__main__ import main
from plb_ablate.report.analysis import Analysis, analyse
from plb_ablate.report.figures.comparison import FIGURES, save_figure
from plb_ablate.report.module_effects import ModuleEffects
from plb_ablate.report.page import page, sections
from plb_ablate.report.tables.module_effects import effect_table, interaction_table, share_table
from plb_ablate.report.tables.module_words import interaction_words, module_words
from plb_ablate.report.tables.render import FORMATS, to_markdown
from plb_ablate.statistics.answers import Answers
from tests.report.bulk import fill
from tests.report.store import sqlite_uri
from tests.report.studies import make_study, shown

LATTICE = model_lattice(PLB)
FOLDS = 10


def costs(removed: frozenset[str]) -> float:
    """Routing costs 6 points; of CBAM and SA either costs nothing, both 8; DWSCNN is worth 5, but only with routing."""
    both = 0.08 if {"cbam", "sa"} <= removed else 0.0
    return 0.06 * ("routing" in removed) + both + 0.05 * (not {"routing"} & removed and "dwscnn" in removed)


def scores(names: Sequence[str], noise: float = 0.004) -> dict[str, list[float]]:
    rng = np.random.default_rng(1)
    return {name: [0.8 - costs(LATTICE.lacks[name]) + rng.normal(0, noise) for _ in range(FOLDS)] for name in names}


def analysed(names: Sequence[str], answers: Mapping[str, Answers] | None = None) -> tuple[Analysis, ModuleEffects]:
    study = make_study(scores(names), "nested")
    analysis = analyse(study, predictions={study.primary_metric[0]: answers} if answers else None)
    assert analysis.module_effects is not None
    return analysis, analysis.module_effects


@pytest.fixture(scope="module")
def factorial() -> tuple[Analysis, ModuleEffects]:
    return analysed([*LATTICE.lacks])


def test_words_say_which_modules_matter_and_which_pairs_replace_or_need_each_other(
    factorial: tuple[Analysis, ModuleEffects],
) -> None:
    words = module_words(factorial[1]) + interaction_words(factorial[1])
    order = [
        "every network of the factorial",
        "**Modules that matter, shown for the method**",
        "    - DWSCNN: Δ +2.",
        "    - routing: Δ +3.",
        "**Modules that do not matter on average",
        "Spa (clean)",
        "**One replaces the other, shown for the method**",
        "    - CBAM × SA: removing CBAM alone costs",
        "**They need each other, shown for the method**",
        "    - DWSCNN × routing: removing DWSCNN alone costs",
        "spa is idle without dwscnn and sa.",
        "Zero by construction",
    ]
    places = [words.index(part) for part in order]
    assert places == sorted(places)
    assert "Spa (clean) ×" not in words
    assert "× Spa (clean)" not in words
    assert "harm" not in words


def test_nothing_is_said_that_is_not_shown() -> None:
    rng = np.random.default_rng(2)
    study = make_study({name: list(rng.normal(0.8, 0.05, FOLDS)) for name in LATTICE.lacks}, "nested")
    found = analyse(study).module_effects
    assert found is not None
    assert "No module is shown to matter, to harm, or not to matter" in module_words(found)
    assert interaction_words(found).startswith("- No interaction is shown.")


def test_the_tables_have_effects_interactions_and_shares(factorial: tuple[Analysis, ModuleEffects]) -> None:
    analysis, found = factorial
    effects, pairs, shares = (make(analysis, found) for make in (effect_table, interaction_table, share_table))
    assert [row[0] for row in shown(effects)] == ["DWSCNN", "CBAM", "Spa (clean)", "SA", "routing"]
    assert [row[-1] for row in shown(effects)] == ["12", "14", "12", "12", "14"]
    assert [row[1:5] for row in shown(effects)] == [["–"] * 4] * 5
    routing = shown(effects)[-1]
    assert float(routing[5]) == pytest.approx(6 - 5 * 6 / 14, abs=0.3)
    assert float(routing[6]) < float(routing[5]) < float(routing[7])
    assert len(pairs.rows) == 10
    one, other, both = (float(cell) for cell in next(r for r in shown(pairs) if r[0] == "CBAM × SA")[9:12])
    assert (one, other, both) == pytest.approx((0, 0, 8), abs=0.5)
    values = [float(row[4]) for row in shown(shares)]
    assert shown(shares)[-1][0] == "Δ"
    assert sum(values[:-1]) == pytest.approx(values[-1], abs=0.03)
    assert values[-1] == pytest.approx(14, abs=1)
    for table in (effects, pairs, shares):
        assert to_markdown(table)
        assert all(form(table) for form in FORMATS.values())


def test_the_half_gives_the_same_effects_and_no_shares() -> None:
    analysis, found = analysed(planned_variants("half", LATTICE))
    assert found.contrasts.design == "half"
    assert found.shares == ()
    whole = {e.contrast.modules: e.comparison.test.mean for e in analysed([*LATTICE.lacks])[1].interactions}
    half = {e.contrast.modules: e.comparison.test.mean for e in found.interactions}
    assert half.keys() == whole.keys() == set(combinations(PLB.modules, 2))
    assert half[("cbam", "sa")] == pytest.approx(-0.08, abs=0.01)
    assert "the half fraction: interactions of three modules or more are taken to be zero" in module_words(found)
    titles = [section.title for section in sections(analysis)]
    assert "Effects of the modules" in titles
    assert "Shares of the modules" not in titles


def test_a_design_of_some_modules_is_reported_for_these() -> None:
    lattice = model_lattice(PLB, "cbam+sa+routing")
    analysis, found = analysed([*lattice.lacks])
    assert found.contrasts.design == "factorial"
    assert {e.contrast.modules for e in found.effects} == {("cbam",), ("sa",), ("routing",)}
    assert found.distance is not None
    assert sum(share.comparison.test.mean for share in found.shares) == pytest.approx(
        found.distance.comparison.test.mean
    )
    assert "DWSCNN, Spa (clean) are removed in none of them." in module_words(found)
    assert "Shares of the modules" in [section.title for section in sections(analysis)]
    analysis, found = analysed([name for name in lattice.lacks if name != "cbam+sa"])
    assert "`python -m plb_ablate -m design=factorial modules=cbam+sa+routing`" in module_words(found)


def test_pairs_have_interactions_only_and_say_what_is_fixed() -> None:
    analysis, found = analysed(planned_variants("pairs", LATTICE))
    table = interaction_table(analysis, found)
    assert shown(table)[-1][:2] == ["DWSCNN × SA", "–"]
    assert "Not estimated: DWSCNN × SA (zero or fixed by construction in these networks)." in table.notes
    assert "need the half fraction or the factorial" in module_words(found)
    titles = [section.title for section in sections(analysis)]
    assert "Interactions of the modules" in titles


def test_a_missing_variant_is_named_and_needed_estimates_are_left_out() -> None:
    names = planned_variants("half", LATTICE)
    all_scores = scores(names)
    study = make_study(all_scores | {"cbam+sa": all_scores["cbam+sa"][:9]}, "nested")
    analysis = analyse(study)
    found = analysis.module_effects
    assert found is not None
    assert (found.effects, found.interactions) == ((), ())
    text = page(sections(analysis), "f", ())
    assert "**Missing for design=half**, so that what needs it is left out: cbam+sa. Run" in text
    assert {FIGURES[name][1](analysis) for name in PICTURES} == {None}


@pytest.mark.parametrize("names", [("none", *PLB.modules), ("none", "cbam"), ("none", "cbam", "sa")])
def test_removals_alone_have_no_such_section(names: Sequence[str]) -> None:
    analysis = analyse(make_study(scores(names), "nested"))
    assert analysis.module_effects is None
    assert not any("modules" in section.title for section in sections(analysis))


def test_folds_that_cannot_be_tested_are_no_certainty() -> None:
    few = {name: values[:3] for name, values in scores(planned_variants("half", LATTICE)).items()}
    found = analyse(make_study(few, "nested")).module_effects
    assert found is not None
    assert "No module is shown" in module_words(found)


PICTURES = ("effects", "interactions", "variants")


def pictures(analysis: Analysis, folder: Path) -> dict[str, bytes]:
    """Draw the pictures of modules and pairs; give their bytes."""
    found = {}
    for name in PICTURES:
        figure = FIGURES[name][1](analysis)
        assert figure is not None
        (path,) = save_figure(figure, folder / f"{name}.png")
        found[name] = path.read_bytes()
    return found


def answered(rng: np.random.Generator, names: Sequence[str]) -> dict[str, Answers]:
    n = 400
    labels, folds, speakers = np.arange(n) % 4, np.arange(n) % FOLDS, (np.arange(n) % 12).astype(str)
    hard = rng.random(n)
    predicted = {name: np.where(hard < 0.85 - costs(LATTICE.lacks[name]), labels, (labels + 1) % 4) for name in names}
    return {name: Answers(labels, values[None], folds, speakers) for name, values in predicted.items()}


def test_both_questions_are_answered_where_predictions_are_there(tmp_path: Path) -> None:
    names = planned_variants("half", LATTICE)
    analysis, found = analysed(names, answered(np.random.default_rng(3), names))
    row = next(row for row in shown(effect_table(analysis, found)) if row[0] == "routing")
    assert float(row[2]) < float(row[1]) < float(row[3])
    assert "routing: these trainings: Δ +" in module_words(found)
    assert pictures(analysis, tmp_path / "first") == pictures(analysis, tmp_path / "again")


def test_other_scores_give_other_pictures(tmp_path: Path) -> None:
    one, other = scores([*LATTICE.lacks]), scores([*LATTICE.lacks])
    other["cbam+sa"] = [score - 0.02 for score in other["cbam+sa"]]
    drawn = [pictures(analyse(make_study(each, "nested")), tmp_path / str(n)) for n, each in enumerate((one, other))]
    assert all(drawn[0][name] != drawn[1][name] for name in PICTURES)


def test_a_store_of_a_half_is_reported_with_tables_and_pictures(empty_store: Path, tmp_path: Path) -> None:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    fill(tmp_path / "mlflow.db", 1, ("ravdess",), planned_variants("half", LATTICE))
    assert main(["--tracking-uri", sqlite_uri(tmp_path / "mlflow.db"), "--out", str(tmp_path / "r")]) == 0
    (study,) = (path for path in (tmp_path / "r" / "ravdess").iterdir() if path.is_dir())
    names = {path.name for path in study.iterdir()}
    assert {f"{table}.{end}" for table in ("module_effects", "interactions") for end in ("csv", "tex")} <= names
    assert {"effects.png", "interactions.png", "variants.png"} <= names
    assert "shapley.csv" not in names
    rows = pd.read_csv(study / "module_effects.csv")
    assert rows["Name"].tolist() == ["DWSCNN", "CBAM", "Spa (clean)", "SA", "routing"]
    assert rows.drop(columns="Name").notna().all(axis=None)
    for written in ("ravdess.md", "index.html"):
        text = (tmp_path / "r" / written).read_text()
        assert "Effects of the modules" in text
        assert "Interactions of all pairs of modules" in text
