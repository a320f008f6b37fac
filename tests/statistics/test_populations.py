"""Statistics over utterances and speakers: their target is covered, and nothing is made from nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from statsmodels.stats.contingency_tables import mcnemar
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from plb_ablate.core.errors import PairingError
from plb_ablate.statistics.answers import Answers, differences, pooled_ua
from plb_ablate.statistics.paired_test import nadeau_bengio
from plb_ablate.statistics.population_comparison import compare_population
from plb_ablate.statistics.population_test import FEW_DISCORDANT, population_test
from plb_ablate.statistics.speaker_bootstrap import macro_f1_test
from plb_ablate.statistics.variance_parts import variance_parts
from tests.statistics.simulated import simulate

STUDIES = 2_000
SIZES = [(144, 6), (535, 10), (1440, 24)]


def a_pair(seed: int, n: int = 200, speakers: int = 8, seeds: int = 1) -> tuple[Answers, Answers]:
    study = simulate(np.random.default_rng(seed), n, speakers, seeds=seeds)
    return study.reference, study.variant


# -- what they cover, and how often they are wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(("n", "speakers"), SIZES)
@pytest.mark.slow
def test_each_question_keeps_its_own_promise(n: int, speakers: int) -> None:
    rng = np.random.default_rng(n)
    covered = {"wa": 0, "ua": 0}
    method = here = 0
    with threadpool_limits(1):
        for _ in range(STUDIES):
            study = simulate(rng, n, speakers)
            for metric in covered:
                test = population_test(study.reference, study.variant, metric)
                covered[metric] += test.ci95[0] <= study.target <= test.ci95[1]
                here += metric == "wa" and test.p < 0.05
            d, folds = differences(study.reference, study.variant), study.reference.folds
            sizes = np.bincount(folds)
            method += nadeau_bengio(np.bincount(folds, d) / sizes, n - sizes, sizes).p < 0.05
    shares = {metric: count / STUDIES for metric, count in covered.items()}
    print(
        f"{n} utterances, {speakers} speakers, no effect of the module: intervals of these trainings cover {shares}; "
        f"at 5 %, the method is called different in {method / STUDIES:.2%}, these trainings in {here / STUDIES:.2%}"
    )
    assert all(0.93 <= share <= 0.97 for share in shares.values())
    assert method / STUDIES <= 0.06
    assert here > method, "trained networks differ although their method does not: the questions are not the same"


# -- against other sources ---------------------------------------------------------------------------------------------


def test_wa_and_ua_are_the_differences_of_the_pooled_scores() -> None:
    one, other = a_pair(1, seeds=3)
    assert population_test(one, other).mean == pytest.approx(one.correct.mean() - other.correct.mean())
    assert population_test(one, other, "ua").mean == pytest.approx(pooled_ua(one) - pooled_ua(other))


def test_macro_f1_is_that_of_scikit_learn() -> None:
    one, other = a_pair(2, seeds=2)
    scores = [
        np.mean([f1_score(a.labels, predicted, average="macro") for predicted in a.predicted]) for a in (one, other)
    ]
    assert macro_f1_test(one, other).mean == pytest.approx(scores[0] - scores[1])


def test_a_class_that_one_variant_alone_predicts_is_no_class_of_the_corpus() -> None:
    one, other = a_pair(4)
    guessed = replace(other, predicted=np.where(other.correct, other.predicted, one.labels.max() + 1))
    score = f1_score(one.labels, guessed.predicted[0], average="macro", labels=np.unique(one.labels))
    reference = f1_score(one.labels, one.predicted[0], average="macro", labels=np.unique(one.labels))
    assert macro_f1_test(one, guessed).mean == pytest.approx(reference - score)


def test_the_bootstrap_of_macro_f1_is_about_as_wide_as_the_interval_of_ua() -> None:
    for seed in range(5):
        one, other = a_pair(seed, 500, 20)
        assert macro_f1_test(one, other).se == pytest.approx(population_test(one, other, "ua").se, rel=0.25)


def test_speakers_of_equal_size_give_the_interval_of_their_means() -> None:
    rng = np.random.default_rng(3)
    speakers, labels = np.repeat(np.arange(8), 30).astype(str), np.zeros(240, int)
    predicted = [(rng.random((1, 240)) < 0.7).astype(int) for _ in range(2)]
    one, other = (Answers(labels, p, np.arange(240) % 10, speakers) for p in predicted)
    means = differences(one, other).reshape(8, 30).mean(axis=1)
    expected = math.sqrt(means.var(ddof=1) / 8)
    assert population_test(one, other).se == pytest.approx(expected, rel=0.01)
    assert population_test(one, other).df == 7


def test_without_speakers_it_is_the_all_pairs_variance() -> None:
    one, other = a_pair(4, 400)
    unknown = [Answers(a.labels, a.predicted, a.folds) for a in (one, other)]
    d = differences(*unknown)
    test = population_test(unknown[0], unknown[1])
    assert test.se == pytest.approx(math.sqrt(np.mean((d - d.mean()) ** 2) / len(d)), rel=0.01)
    assert (test.n_speakers, test.df) == (0, 399)


def with_discordant(better: int, worse: int, n: int = 300) -> tuple[Answers, Answers]:
    labels, folds = np.arange(n) % 3, np.arange(n) % 10
    wrong = (labels + 1) % 3
    one, other = labels[None].copy(), labels[None].copy()
    one[0, :worse], other[0, n - better :] = wrong[:worse], wrong[n - better :]
    speakers = (np.arange(n) % 7).astype(str)
    return Answers(labels, one, folds, speakers), Answers(labels, other, folds, speakers)


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (3, 0), (2, 9), (12, 12)])
def test_few_discordant_utterances_are_tested_exactly(better: int, worse: int) -> None:
    test = population_test(*with_discordant(better, worse))
    assert test.exact
    assert (test.better, test.worse) == (better, worse)
    assert test.mean == pytest.approx((better - worse) / 300)
    assert test.p == pytest.approx(mcnemar([[0, better], [worse, 0]], exact=True).pvalue if better + worse else 1)


def test_many_discordant_utterances_are_not() -> None:
    assert not population_test(*with_discordant(FEW_DISCORDANT, 0)).exact


@pytest.mark.parametrize("metric", ["wa", "ua"])
def test_without_any_disagreement_the_interval_is_not_empty(metric: str) -> None:
    test = population_test(*with_discordant(0, 0), metric)
    assert test.mean == 0
    assert test.ci95[0] < -0.005
    assert test.ci95[1] > 0.005
    if metric == "wa":  # Bonett and Price: both counts plus one, utterances plus two
        assert test.se == pytest.approx(math.sqrt(2 / 302) / math.sqrt(302))
    assert macro_f1_test(*with_discordant(0, 0)).se > 0


# -- what must not change it -------------------------------------------------------------------------------------------

studies = st.tuples(st.integers(0, 10_000), st.integers(40, 200), st.integers(2, 12), st.integers(1, 3))


@given(studies)
@settings(max_examples=25, deadline=None)
def test_variant_and_reference_swapped_flip_the_difference(drawn: tuple[int, int, int, int]) -> None:
    one, other = a_pair(*drawn)
    for test in (population_test, macro_f1_test):
        there, back = test(one, other), test(other, one)
        assert back.mean == pytest.approx(-there.mean)
        assert back.ci95 == pytest.approx((-there.ci95[1], -there.ci95[0]))
        assert back.p == pytest.approx(there.p, nan_ok=True)


@given(studies)
@example((36, 99, 2, 2))  # the differences of both speakers add up to zero
@settings(max_examples=25, deadline=None)
def test_order_of_utterances_seeds_and_names_of_folds_change_nothing(drawn: tuple[int, int, int, int]) -> None:
    one, other = a_pair(*drawn)
    rng = np.random.default_rng(drawn[0])
    places, seeds = rng.permutation(len(one.labels)), rng.permutation(len(one.predicted))
    mixed = [a.take(places) for a in (one, other)]
    mixed = [Answers(a.labels, a.predicted[seeds], 9 - a.folds, a.speakers) for a in mixed]
    for metric in ("wa", "ua"):
        before, after = population_test(one, other, metric), population_test(mixed[0], mixed[1], metric)
        assert (after.mean, after.se, after.p) == pytest.approx((before.mean, before.se, before.p), nan_ok=True)
    parts = {part.source: part.variance for part in variance_parts(one, other)}
    assert {p.source: p.variance for p in variance_parts(*mixed)} == pytest.approx(parts, abs=1e-9)


@given(studies)
@settings(max_examples=25, deadline=None)
def test_seeds_that_are_there_twice_narrow_nothing(drawn: tuple[int, int, int, int]) -> None:
    one, other = a_pair(*drawn)
    twice = [Answers(a.labels, np.tile(a.predicted, (2, 1)), a.folds, a.speakers) for a in (one, other)]
    for metric in ("wa", "ua"):
        assert population_test(twice[0], twice[1], metric) == population_test(one, other, metric)


def test_predictions_that_do_not_belong_together_are_refused() -> None:
    one, other = a_pair(5)
    others = Answers(other.labels, other.predicted, (other.folds + 1) % 10, other.speakers)
    for wrong in (other.take(np.arange(100)), others):
        with pytest.raises(PairingError, match="cannot be paired"):
            population_test(one, wrong)


# -- sources of uncertainty --------------------------------------------------------------------------------------------


def test_sources_of_uncertainty_are_found_where_they_are() -> None:
    """Answers whose difference varies with the speaker alone, with the fold alone, and with the utterance alone."""
    rng = np.random.default_rng(6)
    n = 1_200
    speakers, folds, labels = (np.arange(n) % 12).astype(str), rng.permutation(n) % 10, np.zeros(n, int)
    right = np.zeros((3, n), int)
    for source, groups in (("speakers", np.arange(n) % 12), ("folds", folds), ("utterances", np.arange(n))):
        wrong = rng.permutation(groups.max() + 1)[groups] % 2
        parts = variance_parts(
            Answers(labels, right, folds, speakers), Answers(labels, np.tile(wrong, (3, 1)), folds, speakers)
        )
        assert parts[0].source == source
        assert parts[0].share > 0.85
        assert sum(part.share for part in parts) == pytest.approx(1)


def test_retraining_is_told_from_utterances_with_several_seeds_only() -> None:
    sources = [{part.source for part in variance_parts(*a_pair(7, seeds=seeds))} for seeds in (1, 3)]
    assert sources == [{"folds and seeds", "speakers", "utterances"}, {"folds", "speakers", "utterances", "seeds"}]


def test_a_fold_for_each_speaker_cannot_be_told_from_the_speaker() -> None:
    one, other = a_pair(8)
    by_speaker = [
        Answers(a.labels, a.predicted, np.asarray(one.speakers).astype(int), a.speakers) for a in (one, other)
    ]
    assert "folds and speakers" in {part.source.removesuffix(" and seeds") for part in variance_parts(*by_speaker)}


def test_holm_is_applied_inside_a_score() -> None:
    reference, one = a_pair(9)
    compared = compare_population(reference, {"a": one, "b": one})
    for metric, test in compared["a"].tests.items():
        assert compared["a"].p_holm[metric] == pytest.approx(min(1, 2 * test.p))
