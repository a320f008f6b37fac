import math
import subprocess
import sys

import baycomp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from plb_ablate.core.errors import PairingError
from plb_ablate.statistics.comparison import compare, holm
from plb_ablate.statistics.equivalence import bayesian_correlated_t
from plb_ablate.statistics.paired_test import FoldScore, TTest, nadeau_bengio, pair
from plb_ablate.statistics.power import extra_seeds_needed, minimal_detectable_delta
from plb_ablate.statistics.summary import delta_row, wa_summary

Floats = NDArray[np.float64]
STUDIES = 2_000
LEVEL = 0.05


def two_variants(seed: int, n: int = 10) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.80, 0.03, n), rng.normal(0.78, 0.03, n)


def study(reference: Floats, n_train: int = 90, n_test: int = 10, seed: int = 42) -> dict[tuple[int, int], FoldScore]:
    return {(seed, fold): FoldScore(float(score), n_train, n_test) for fold, score in enumerate(reference)}


# -- the corrected test against other libraries ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("runs", [1, 2, 5])
def test_reshuffled_repeats_agree_with_baycomp(seed: int, runs: int) -> None:
    none, variant = two_variants(seed, 10 * runs)
    test = nadeau_bengio(none - variant, 9, 1)
    mean, variance, df = baycomp.CorrelatedTTest.compute_statistics(variant, none, runs=runs)
    assert (test.mean, test.se, test.df) == pytest.approx((mean, math.sqrt(variance), df))
    posterior = bayesian_correlated_t(test, rope=0.01)
    expected = baycomp.two_on_single(variant, none, rope=0.01, runs=runs)
    assert (posterior.p_gains, posterior.p_equivalent, posterior.p_costs) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_without_overlap_it_is_the_plain_paired_test(seed: int) -> None:
    none, variant = two_variants(seed)
    test = nadeau_bengio(none - variant, 10**15, 1)
    plain = scipy_stats.ttest_rel(none, variant)
    interval = plain.confidence_interval(0.95)
    assert (test.t, test.p, test.df) == pytest.approx((plain.statistic, plain.pvalue, plain.df))
    assert test.ci95 == pytest.approx((interval.low, interval.high))


def test_the_interval_and_the_p_value_agree() -> None:
    for seed in range(200):
        test = nadeau_bengio(np.subtract(*two_variants(seed)), 9, 1)
        assert (test.p < LEVEL) == (not test.ci95[0] <= 0 <= test.ci95[1])


def test_unequal_folds_use_the_mean_of_their_ratios() -> None:
    n_test = np.array([10, 20, 30, 40])
    test = nadeau_bengio([0.01, 0.02, 0.04, 0.01], 100 - n_test, n_test)
    assert test.ratio == pytest.approx(np.mean(n_test / (100 - n_test)))
    assert test.ratio > n_test.mean() / (100 - n_test).mean()
    spread = np.var([0.01, 0.02, 0.04, 0.01], ddof=1)
    assert test.se == pytest.approx(math.sqrt(spread * (1 / 4 + test.ratio)))


def test_a_validation_part_makes_the_training_part_smaller_and_the_error_larger() -> None:
    differences = np.subtract(*two_variants(0))
    assert nadeau_bengio(differences, 80, 10).se > nadeau_bengio(differences, 90, 10).se


def test_one_seed_gives_the_same_with_and_without_fold_names() -> None:
    differences = np.subtract(*two_variants(1))
    assert nadeau_bengio(differences, 9, 1, folds=range(10)) == nadeau_bengio(differences, 9, 1)


def test_an_identical_second_seed_is_no_evidence() -> None:
    differences = np.subtract(*two_variants(1))
    one, two = nadeau_bengio(differences, 9, 1), nadeau_bengio(np.tile(differences, 2), 9, 1, [*range(10), *range(10)])
    assert (one.p, one.se, one.df) == pytest.approx((two.p, two.se, two.df))


def test_seeds_on_the_same_folds_follow_the_stated_variance() -> None:
    d = np.random.default_rng(3).normal(0.02, 0.03, (3, 10))  # seeds, folds
    test = nadeau_bengio(d.ravel(), 9, 1, np.tile(np.arange(10), 3))
    b2, w2 = d.mean(0).var(ddof=1), d.var(0, ddof=1).mean()
    assert test.se**2 == pytest.approx(b2 / 10 + (b2 + 2 / 3 * w2) / 9)
    assert 9 < test.df < 29
    assert (test.between, test.within) == pytest.approx((max(0, b2 - w2 / 3), w2))


# -- edges -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_it_does_not_depend_on_order_unit_or_direction(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 30))
    d, sizes, folds = rng.normal(0.01, 0.03, n), rng.integers(5, 60, n), rng.integers(0, max(2, n // 2), n)
    folds[:2] = 0, 1
    test = nadeau_bengio(d, 500, sizes, folds)
    order = rng.permutation(n)
    shuffled = nadeau_bengio(d[order], 500, sizes[order], folds[order])
    percent = nadeau_bengio(-100 * d, 500, sizes, folds)
    assert (shuffled.t, shuffled.p, shuffled.df) == pytest.approx((test.t, test.p, test.df), nan_ok=True)
    assert (percent.t, percent.p, percent.df) == pytest.approx((-test.t, test.p, test.df), nan_ok=True)
    assert test.untestable or 0 <= test.p <= 1


@pytest.mark.parametrize("value", [0.0, 0.1, -0.1])
@pytest.mark.parametrize("folds", [None, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]])
def test_equal_differences_show_nothing(value: float, folds: list[int] | None) -> None:
    """A spread that was not seen is unknown; three folds of +3.12 points used to give p < 0.0001."""
    test = nadeau_bengio([value] * 10, 9, 1, folds)
    assert test.mean == pytest.approx(value)
    assert "the same difference" in test.untestable
    assert all(math.isnan(number) for number in (test.t, test.p, *test.ci95))
    posterior = bayesian_correlated_t(test)
    assert all(math.isnan(p) for p in (posterior.p_costs, posterior.p_equivalent, posterior.p_gains))
    assert math.isnan(minimal_detectable_delta(test))
    assert extra_seeds_needed(test) is None


@pytest.mark.parametrize(("folds", "tested"), [(3, False), (4, False), (5, True)])
def test_fewer_than_five_folds_are_no_test(folds: int, tested: bool) -> None:
    test = nadeau_bengio(np.random.default_rng(1).normal(0.05, 0.01, folds), 9, 1)
    assert math.isfinite(test.p) == tested
    assert ("too few" in test.untestable) == (not tested)


def test_a_comparison_without_test_counts_as_one_that_shows_nothing() -> None:
    assert holm([0.02, math.nan, 0.03]) == pytest.approx([0.06, math.nan, 0.06], nan_ok=True)


def test_rounding_is_not_spread() -> None:
    differences = np.array([0.3 - 0.2, 0.1, 0.9 - 0.8, 0.7 - 0.6])
    assert np.ptp(differences) > 0
    assert nadeau_bengio(differences, 9, 1).se == 0


@pytest.mark.parametrize(
    ("differences", "n_train", "n_test", "folds"),
    [
        ([], 9, 1, None),
        ([0.1], 9, 1, None),
        ([0.1, 0.2], 9, 1, [0, 0]),
        ([0.1, math.nan], 9, 1, None),
        ([0.1, math.inf], 9, 1, None),
        ([0.1, 0.2], 0, 1, None),
        ([0.1, 0.2], 9, [1, 0], None),
        ([0.1, 0.2], 9, [1, math.nan], None),
    ],
)
def test_what_cannot_be_tested_is_refused(
    differences: list[float], n_train: int, n_test: list[float] | int, folds: list[int] | None
) -> None:
    with pytest.raises(PairingError, match=r"not finite|two folds or more"):
        nadeau_bengio(differences, n_train, n_test, folds)


def test_a_negative_rope_is_refused() -> None:
    with pytest.raises(PairingError, match="must not be negative"):
        bayesian_correlated_t(nadeau_bengio([0.1, 0.2], 9, 1), -0.01)


# -- error rates in studies without an effect --------------------------------------------------------------------------


def studies_without_effect(
    n_folds: int, ratio: float, seeds: int = 1, alike: float = 0.0, effect: float = 0.0, rng_seed: int = 7
) -> Floats:
    """Differences of shape (studies, folds, seeds) and unit variance.

    Folds correlate by n_test / (n_test + n_train), the seeds of a fold by `alike`.
    """
    rng = np.random.default_rng(rng_seed)
    overlap = ratio / (1 + ratio)
    alike = max(alike, overlap)
    parts = [
        (overlap, (STUDIES, 1, 1)),
        (alike - overlap, (STUDIES, n_folds, 1)),
        (1 - alike, (STUDIES, n_folds, seeds)),
    ]
    noise: Floats = sum(math.sqrt(share) * rng.normal(size=shape) for share, shape in parts)  # type: ignore[assignment]
    return effect + noise


def rejection_rate(studies: Floats, ratio: float, folds: NDArray[np.int64] | None = None) -> float:
    flat = studies.reshape(STUDIES, -1)
    return float(np.mean([nadeau_bengio(d, 1e6, 1e6 * ratio, folds).p < LEVEL for d in flat]))


def plain_rejection_rate(studies: Floats) -> float:
    return float(np.mean(scipy_stats.ttest_1samp(studies.reshape(STUDIES, -1), 0, axis=1).pvalue < LEVEL))


@pytest.mark.parametrize(("n_folds", "ratio"), [(10, 1 / 9), (12, 1 / 10), (5, 1 / 3)])
def test_the_corrected_test_keeps_its_level_and_the_plain_one_does_not(n_folds: int, ratio: float) -> None:
    studies = studies_without_effect(n_folds, ratio)
    corrected, plain = rejection_rate(studies, ratio), plain_rejection_rate(studies)
    print(f"{STUDIES} studies without effect, {n_folds} folds: corrected {corrected:.2%}, plain {plain:.2%} at 5 %")
    assert 0.035 <= corrected <= 0.06
    assert plain > 0.12


@pytest.mark.parametrize("alike", [0.1, 0.5, 1.0])
def test_it_keeps_its_level_over_seeds_on_the_same_folds_however_alike_they_are(alike: float) -> None:
    studies = studies_without_effect(10, 1 / 9, seeds=5, alike=alike)
    corrected = rejection_rate(studies, 1 / 9, np.repeat(np.arange(10), 5))
    pooled, plain = rejection_rate(studies, 1 / 9), plain_rejection_rate(studies)
    print(f"5 seeds alike by {alike}: corrected {corrected:.2%}, as if reshuffled {pooled:.2%}, plain {plain:.2%}")
    assert 0.035 <= corrected <= 0.06
    assert plain > 0.35
    assert alike < 0.5 or pooled > 0.07


def test_it_keeps_its_level_in_real_cross_validation_of_two_equal_learners() -> None:
    """Two nearest-mean learners, each with its own, equally good features; their training sets really overlap."""
    rng = np.random.default_rng(11)
    n, n_features = 100, 5
    label = np.tile([0, 1], n // 2)
    x = rng.normal(size=(STUDIES, 2, n, n_features)) + 0.2 * (2 * label - 1)[:, None]
    differences = []
    for test in np.array_split(rng.permutation(n), 10):
        train = np.setdiff1d(np.arange(n), test)
        low, high = (x[:, :, train[label[train] == c]].mean(2, keepdims=True) for c in (0, 1))
        guess = ((x[:, :, test] - (low + high) / 2) * (high - low)).sum(-1) > 0
        differences.append((guess == label[test]).mean(-1) @ [1, -1])
    studies = np.stack(differences, axis=1)
    corrected, plain = rejection_rate(studies, 1 / 9), plain_rejection_rate(studies)
    print(f"{STUDIES} real cross-validations: corrected {corrected:.2%}, plain {plain:.2%} at 5 %")
    assert corrected <= 0.06 < plain


# -- power -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "power", "alpha"), [(5, 0.8, 0.05), (10, 0.8, 0.05), (10, 0.9, 0.01), (20, 0.9, 0.01)])
def test_minimal_delta_agrees_with_statsmodels(n: int, power: float, alpha: float) -> None:
    test = nadeau_bengio(np.random.default_rng(n).normal(size=n), 10**15, 1)
    expected = TTestPower().solve_power(nobs=n, power=power, alpha=alpha, alternative="two-sided")
    found = minimal_detectable_delta(test, power=power, alpha=alpha)
    assert found / test.se == pytest.approx(expected * math.sqrt(n), rel=1e-4)


def test_an_effect_of_the_minimal_delta_is_found_in_four_of_five_studies() -> None:
    se = math.sqrt(0.9 * (1 / 10 + 1 / 9))  # 0.9: unit variance less the correlation
    known = TTest(0.0, se, 9, 0.0, 1.0, (0.0, 0.0), 10, 10, 1 / 9, 0.0, 0.9)
    studies = studies_without_effect(10, 1 / 9, effect=minimal_detectable_delta(known), rng_seed=1)
    assert rejection_rate(studies, 1 / 9) == pytest.approx(0.8, abs=0.02)


def test_extra_seeds_are_the_fewest_that_give_the_power() -> None:
    rng = np.random.default_rng(2)
    spread = scipy_stats.zscore(rng.normal(size=10), ddof=1) * 0.03
    test = nadeau_bengio(0.035 + spread, 9, 1)
    extra = extra_seeds_needed(test)
    assert extra is not None
    assert extra > 0
    for seeds, enough in ((extra, False), (extra + 1, True)):  # one seed there already
        se = 0.03 * math.sqrt(1 / (10 * seeds) + 1 / 9)
        seen, unseen = 0.03**2 / seeds * (1 / 10 + 1 / 9), 0.03**2 / 9 * (1 - 1 / seeds)
        df = (seen + unseen) ** 2 / (seen**2 / 9 + unseen**2 / (10 * max(1, seeds - 1)))
        critical = scipy_stats.t.isf(0.025, df)
        assert (scipy_stats.nct.sf(critical, df, 0.035 / se) >= 0.8) == enough


def test_no_number_of_seeds_finds_a_difference_below_the_floor() -> None:
    spread = scipy_stats.zscore(np.random.default_rng(2).normal(size=10), ddof=1) * 0.03
    floor = 0.03 / 3 * 2.8  # sqrt(test/train) times the two normal quantiles
    assert extra_seeds_needed(nadeau_bengio(0.95 * floor + spread, 9, 1)) is None
    assert extra_seeds_needed(nadeau_bengio(1.05 * floor + spread, 9, 1)) is not None
    assert extra_seeds_needed(nadeau_bengio(spread - spread.mean(), 9, 1)) is None
    assert extra_seeds_needed(nadeau_bengio(100 * floor + spread, 9, 1)) == 0
    assert extra_seeds_needed(nadeau_bengio(1e9 * floor + spread, 9, 1)) == 0


def test_seeds_that_agree_leave_nothing_to_gain() -> None:
    spread = scipy_stats.zscore(np.random.default_rng(2).normal(size=10), ddof=1) * 0.03
    once = 0.035 + spread
    assert extra_seeds_needed(nadeau_bengio(once, 9, 1)) is not None
    assert extra_seeds_needed(nadeau_bengio(np.tile(once, 2), 9, 1, [*range(10)] * 2)) is None


# -- Holm, pairing, summaries ------------------------------------------------------------------------------------------


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert holm([]).size == 0


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).random(8) ** 3
    p[2] = p[5]
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_pairs_are_reference_minus_variant_by_seed_and_fold() -> None:
    none = {(43, 0): FoldScore(0.9, 90, 10), (42, 1): FoldScore(0.8, 91, 9), (42, 0): FoldScore(0.7, 90, 10)}
    variant = {(42, 0): FoldScore(0.6, 90, 10), (42, 1): FoldScore(0.9, 91, 9), (43, 0): FoldScore(0.9, 90, 10)}
    pairs = pair(none, variant)
    assert pairs.differences.tolist() == [0.1, -0.1, 0.0]
    assert pairs.seeds.tolist() == [42, 42, 43]
    assert pairs.folds.tolist() == [0, 1, 0]
    assert pairs.n_train.tolist() == [90, 91, 90]
    assert pairs.n_test.tolist() == [10, 9, 10]


def test_missing_cells_are_listed() -> None:
    none = study(np.full(10, 0.8))
    variant = {cell: score for cell, score in none.items() if cell[1] not in (3, 7)} | {(43, 0): FoldScore(0.5, 90, 10)}
    with pytest.raises(PairingError) as caught:
        pair(none, variant, "cbam")
    assert str(caught.value) == (
        "cbam cannot be paired with none: cbam lacks (seed, fold) (42, 3), (42, 7); "
        "none lacks (seed, fold) (43, 0). Train these folds."
    )


def test_folds_of_another_size_and_scores_that_are_not_numbers_are_refused() -> None:
    none = study(np.full(4, 0.8))
    with pytest.raises(PairingError, match=r"different size: \(seed, fold\) \(42, 2\)\."):
        pair(none, none | {(42, 2): FoldScore(0.8, 89, 11)})
    with pytest.raises(PairingError, match="scores of sa and none contain values that are not finite, 1 of 4"):
        pair(none, none | {(42, 2): FoldScore(math.nan, 90, 10)}, "sa")
    with pytest.raises(PairingError, match="two folds or more"):
        compare({}, {"sa": {}})


def test_compare_corrects_over_all_variants() -> None:
    none, sa = two_variants(4)
    variants = {"sa": study(sa), "cbam": study(none[::-1]), "dwscnn": study(sa - 0.2)}
    found = compare(study(none), variants)
    assert list(found) == list(variants)
    assert [c.p_holm for c in found.values()] == pytest.approx(holm([c.test.p for c in found.values()]))
    assert found["sa"].test == nadeau_bengio((none - sa).round(12), 90, 10)
    assert found["sa"].posterior == bayesian_correlated_t(found["sa"].test)
    assert found["sa"].minimal_delta == minimal_detectable_delta(found["sa"].test)
    assert found["dwscnn"].extra_seeds == 0
    assert compare(study(none), {}) == {}


def test_compare_takes_seeds_to_share_their_folds() -> None:
    none, sa = two_variants(4)
    twice = [study(none) | study(none, seed=43), study(sa) | study(sa, seed=43)]
    assert compare(twice[0], {"sa": twice[1]})["sa"].test.p == pytest.approx(nadeau_bengio(none - sa, 9, 1).p)


def test_summary_and_published_delta() -> None:
    summary = wa_summary([0.5, 0.7, 0.9])
    assert (summary.max, summary.min, summary.mean, summary.std) == pytest.approx((0.9, 0.5, 0.7, 0.2))
    assert math.isnan(wa_summary([0.5]).std)
    rows = [(92.11, 74.03, 82.17), (94.49, 78.79, 85.88), (92.11, 82.38, 87.24)]
    assert delta_row((90.76, 85.11, 88.18), rows) == pytest.approx((-3.73, 2.73, 0.94))
    for scores in ([], [0.5, math.nan]):
        with pytest.raises(PairingError, match=r"no scores|not finite"):
            wa_summary(scores)


def test_it_runs_without_tensorflow() -> None:
    heavy = ("tensorflow", "keras", "mlflow", "hydra")
    code = f"import sys, plb_ablate.statistics.comparison; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
