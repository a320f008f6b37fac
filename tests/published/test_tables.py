import csv
import re
from pathlib import Path

import numpy as np
import pytest

import plb_ablate
from plb_ablate.core.errors import ConfigError, PairingError
from plb_ablate.published import tables as published
from plb_ablate.published.tables import DATASETS, REMOVALS, compare_published, fold_scores, folds_kept, table
from plb_ablate.statistics.summary import delta_row, wa_summary

DATA = Path(plb_ablate.__file__).parent / "published" / "data"

ERRATUM_8 = {
    "emodb": {"dwscnn": "0.055", "cbam": "0.29", "sa": "0.15", "spa_published": "0.55", "routing": "0.0045"},
    "ravdess": {"dwscnn": "0.0001", "cbam": "0.68", "sa": "0.0011", "spa_published": "0.0059"},
}


@pytest.mark.parametrize("name", ["tables.csv", "folds.csv", "curves.csv", "rerun.csv"])
def test_the_figures_are_the_reference_figures(shared: Path, name: str) -> None:
    with (DATA / name).open(newline="") as ours, (shared / "published" / name).open(newline="") as theirs:
        assert list(csv.reader(ours)) == list(csv.reader(theirs))


def test_deltas_times_and_memory_are_as_printed_on_the_page(shared: Path) -> None:
    page = [re.sub(r"</?U>|\*\*|\|$", "", line) for line in (shared / "seed.md").read_text().splitlines()]
    deltas = [line.strip("|").split("|")[2:] for line in page if line.startswith("|Δ|")]
    assert deltas == [row[1:] for row in figures("deltas")]
    for row in figures("inference") + figures("memory"):
        assert "|" + "|".join(row) in page


def figures(name: str) -> list[list[str]]:
    return list(csv.reader((DATA / f"{name}.csv").read_text().splitlines()))[1:]


@pytest.mark.parametrize("dataset", DATASETS)
def test_tables_have_the_published_rows(dataset: str) -> None:
    assert list(table(dataset)) == ["none", *REMOVALS]
    assert all(row.min_wa < row.avg_wa < row.max_wa for row in table(dataset).values())
    assert published.params(dataset, "forward_only") is None


def test_counts() -> None:
    assert [published.params(dataset, "none") for dataset in DATASETS] == [95_288, 95_353, 95_093]
    assert published.params("emodb", "routing") == 70_712


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_published_delta_follows_its_rule(dataset: str) -> None:
    none, *others = table(dataset).values()
    assert delta_row(none.wa, [row.wa for row in others]) == pytest.approx(published.delta(dataset))


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_tables_are_the_folds_cut_off_after_two_decimals(dataset: str) -> None:
    for ablation in set(folds_kept(dataset)) - {"backward_only"}:
        summary = wa_summary(fold_scores(dataset, ablation))
        exact = np.array([summary.max, summary.min, summary.mean])
        cut = np.floor(exact * 10_000 + 1e-6) / 100
        assert cut == pytest.approx(table(dataset)[ablation].wa), ablation


@pytest.mark.parametrize(("dataset", "ablation"), [(d, a) for d, row in ERRATUM_8.items() for a in row])
def test_p_values_of_the_published_folds(dataset: str, ablation: str) -> None:
    p, expected = compare_published(dataset)[ablation].test.p, ERRATUM_8[dataset][ablation]
    assert f"{p:.{len(expected) - 2}f}" == expected


def test_routing_on_ravdess() -> None:
    comparison = compare_published("ravdess")["routing"]
    assert comparison.test.p < 0.0001
    assert comparison.test.mean == pytest.approx(0.8556 - 0.6762, abs=1e-4)


@pytest.mark.parametrize("dataset", ["emodb", "ravdess"])
def test_nothing_shows_that_removing_cbam_matters(dataset: str) -> None:
    comparison = compare_published(dataset)["cbam"]
    assert comparison.p_holm > 0.5
    assert comparison.extra_seeds is None


def test_holm_is_over_the_rows_compared() -> None:
    assert compare_published("emodb", ("routing",))["routing"].p_holm == pytest.approx(0.0045, abs=5e-5)
    assert compare_published("emodb")["routing"].p_holm == pytest.approx(5 * 0.00448, abs=5e-5)


def test_folds_that_were_not_kept_are_not_made_up() -> None:
    assert folds_kept("iemocap") == ("none",)
    assert compare_published("iemocap") == {}
    with pytest.raises(PairingError, match=r"published folds of iemocap cbam were not kept. Kept: none"):
        fold_scores("iemocap", "cbam")


def test_scores_are_fractions_by_fold() -> None:
    scores = fold_scores("emodb", "none")
    assert scores.shape == (10,)
    assert scores[0] == pytest.approx(0.90767)
    assert all(len(fold_scores(d, a)) == 10 for d in DATASETS for a in folds_kept(d))


def test_an_unknown_dataset_is_refused() -> None:
    for load in (table, published.delta, folds_kept, compare_published):
        with pytest.raises(ConfigError, match=r"dataset=tess is not in the published study"):
            load("tess")


def test_times_and_memory() -> None:
    assert published.inference_times()["Raspberry Pi"] == {"emodb": 1.42443, "ravdess": 1.35941, "iemocap": 1.22835}
    assert published.memory().peak_gb == 0.000627
    assert (published.memory().params, published.memory().size_mb) == ("95K", 0.433616)
