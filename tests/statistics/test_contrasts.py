"""Effects, interactions and Shapley values: exact where known, and tested as a difference of two variants is."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as formulas

from plb_ablate.config.designs import planned_variants
from plb_ablate.config.lattice import Lattice
from plb_ablate.core.errors import PairingError
from plb_ablate.models.plb.family import PLB as FAMILY
from plb_ablate.statistics.answers import Answers
from plb_ablate.statistics.comparison import compare, holm
from plb_ablate.statistics.contrast_tests import contrast_pairs, estimate_family, utterance_values
from plb_ablate.statistics.contrasts import Contrast, Contrasts, Weights, estimable_contrasts
from plb_ablate.statistics.paired_test import FoldScore
from plb_ablate.statistics.population_test import population_test
from tests.statistics.simulated import simulate

MODULES = tuple(FAMILY.modules)
PLB = Lattice(MODULES, FAMILY.same_network)
EXACT = 1e-12

COSTS = {"dwscnn": 0.03, "cbam": 0.011, "spa": 0.007, "sa": -0.002, "routing": 0.05}
JOINT: dict[tuple[str, ...], float] = {
    pair: 0.001 * (n + 1) * (-1) ** n for n, pair in enumerate(combinations(MODULES, 2))
}


def letters(count: int) -> Lattice:
    return Lattice(tuple("abcdefgh"[:count]), str)


def response(lattice: Lattice, costs: Mapping[str, float], joint: Mapping[tuple[str, ...], float]) -> Weights:
    """Scores that are a sum of effects of the modules at work, and of pairs at work."""
    return {
        name: 0.5
        + sum(value for module, value in costs.items() if module not in lacks)
        + sum(value for pair, value in joint.items() if not lacks & set(pair))
        for name, lacks in lattice.lacks.items()
    }


def value(weights: Weights, scores: Weights) -> float:
    return math.fsum(weight * scores[name] for name, weight in weights.items())


def found(lattice: Lattice, design: str) -> Contrasts:
    contrasts = estimable_contrasts(lattice, planned_variants(design, lattice))
    assert contrasts is not None
    assert contrasts.design == design
    return contrasts


@pytest.mark.parametrize("design", ["factorial", "half"])
def test_known_effects_come_out_exactly(design: str) -> None:
    """Without interactions each effect is its own; with them each interaction is, and effects are means of steps."""
    contrasts, plain, scores = found(PLB, design), response(PLB, COSTS, {}), response(PLB, COSTS, JOINT)
    assert [c.modules for c in contrasts.effects] == [(module,) for module in MODULES]
    assert [c.modules for c in contrasts.interactions] == [*combinations(MODULES, 2)]
    for effect in contrasts.effects:
        assert value(effect.weights, plain) == pytest.approx(COSTS[effect.modules[0]], abs=EXACT)
        steps = [scores[there] - scores[gone] for there, gone in PLB.steps(effect.modules[0])]
        assert value(effect.weights, scores) == pytest.approx(np.mean(steps), abs=EXACT)
        assert effect.averaged == len(steps)
    for interaction in contrasts.interactions:
        assert value(interaction.weights, plain) == pytest.approx(0, abs=EXACT)
        assert value(interaction.weights, scores) == pytest.approx(JOINT[interaction.modules], abs=EXACT)
        one, other, both = (value(cost, scores) for cost in interaction.removals)
        assert both == pytest.approx(one + other - JOINT[interaction.modules], abs=EXACT)


@pytest.mark.parametrize(("count", "design"), [(3, "factorial"), (5, "factorial"), (5, "half"), (6, "half")])
def test_effects_are_those_of_a_regression_on_columns_of_plus_and_minus_one(count: int, design: str) -> None:
    """statsmodels fits any response; an effect is twice its coefficient, a difference of differences four times."""
    lattice = letters(count)
    contrasts, rng = found(lattice, design), np.random.default_rng(count)
    scores = {name: float(rng.normal()) for name in planned_variants(design, lattice)}
    table = pd.DataFrame(
        [{m: -1 if m in lattice.lacks[name] else 1 for m in lattice.modules} | {"y": y} for name, y in scores.items()]
    )
    fit = formulas.ols(f"y ~ ({'+'.join(lattice.modules)})**2", table).fit()
    for effect in contrasts.effects:
        assert value(effect.weights, scores) == pytest.approx(2 * fit.params[effect.modules[0]], abs=EXACT)
    for interaction in contrasts.interactions:
        assert value(interaction.weights, scores) == pytest.approx(
            4 * fit.params[":".join(interaction.modules)], abs=EXACT
        )


def test_a_half_estimates_an_effect_together_with_its_alias() -> None:
    """The response is a·b·c alone, which is the alias of d·e; nothing else sees it."""
    lattice, sign = letters(5), {"a", "b", "c"}
    scores = {name: (-1.0) ** len(lacks & sign) for name, lacks in lattice.lacks.items()}
    contrasts = found(lattice, "half")
    seen = {c.modules: value(c.weights, scores) for c in (*contrasts.effects, *contrasts.interactions)}
    assert seen.pop(("d", "e")) == pytest.approx(4, abs=EXACT)
    assert list(seen.values()) == pytest.approx([0] * 14, abs=EXACT)


def test_what_is_idle_does_not_pass_for_an_interaction() -> None:
    """Only the spatial attention matters: by construction it needs DWSCNN or SA, which is no finding."""
    scores = response(PLB, {"spa": 0.04}, {})
    assert scores["dwscnn+sa"] == 0.5
    for design in ("factorial", "half"):
        contrasts = found(PLB, design)
        values = {c.modules: value(c.weights, scores) for c in (*contrasts.effects, *contrasts.interactions)}
        assert values.pop(("spa",)) == pytest.approx(0.04, abs=EXACT)
        assert list(values.values()) == pytest.approx([0] * 14, abs=EXACT)


@pytest.mark.parametrize("lattice", [PLB, letters(2), letters(4)])
def test_shapley_values_are_means_over_all_orders_and_add_up_to_whole_minus_bare(lattice: Lattice) -> None:
    rng = np.random.default_rng(5)
    scores = {name: float(rng.normal()) for name in lattice.lacks}
    shares = {c.modules[0]: value(c.weights, scores) for c in found(lattice, "factorial").shares}
    expected = dict.fromkeys(lattice.modules, 0.0)
    orders = [*permutations(lattice.modules)]
    for order in orders:
        removed: frozenset[str] = frozenset()
        for module in order:
            less = removed | {module}
            expected[module] += (scores[lattice.name(removed)] - scores[lattice.name(less)]) / len(orders)
            removed = less
    assert shares == pytest.approx(expected, abs=EXACT)
    assert sum(shares.values()) == pytest.approx(scores[lattice.whole] - scores[lattice.bare], abs=EXACT)


def test_weights_of_every_contrast_add_up_to_zero() -> None:
    for design in ("factorial", "half", "pairs"):
        contrasts = found(PLB, design)
        for c in (*contrasts.effects, *contrasts.interactions, *contrasts.shares):
            assert sum(c.weights.values()) == pytest.approx(0, abs=EXACT)
            assert c.weights.keys() <= set(planned_variants(design, PLB))


# -- what is not there ------------------------------------------------------------------------------------------------


def test_pairs_give_the_interactions_next_to_the_whole_network() -> None:
    contrasts = found(PLB, "pairs")
    assert (contrasts.effects, contrasts.shares, contrasts.missing) == ((), (), {})
    (sa,) = [c for c in contrasts.interactions if c.modules == ("cbam", "sa")]
    assert sa.weights == {"none": 1, "cbam": -1, "sa": -1, "cbam+sa": 1}
    assert contrasts.constructed == (("dwscnn", "sa"),)
    assert len(contrasts.interactions) == 9


def test_a_pair_that_is_fixed_by_construction_is_not_estimated() -> None:
    gated = Lattice(("branch", "gate"), lambda name: "branch" if "branch" in name else name)
    contrasts = found(gated, "factorial")
    assert contrasts.constructed == (("branch", "gate"),)
    assert contrasts.interactions == ()
    assert contrasts.effects[0].weights == {"gate": 1, "branch": -1}


def test_pairs_of_a_half_of_four_modules_are_aliased_and_not_estimated() -> None:
    contrasts = found(letters(4), "half")
    assert contrasts.interactions == ()
    assert contrasts.aliased == tuple(combinations("abcd", 2))
    assert len(contrasts.effects) == 4


@pytest.mark.parametrize("lost", ["none", "cbam+sa"])
def test_a_missing_network_is_named_and_what_needs_it_is_left_out(lost: str) -> None:
    half = [name for name in planned_variants("half", PLB) if name != lost]
    assert estimable_contrasts(PLB, half) == Contrasts("", missing={"half": (lost,)})
    everything = estimable_contrasts(PLB, [name for name in PLB.lacks if name != lost])
    assert everything is not None
    assert everything.design == ("" if lost == "none" else "pairs")
    assert (everything.effects, everything.shares) == ((), ())
    assert everything.missing == {"factorial": (lost,), "pairs": (lost,), "half": (lost,)}
    assert ("cbam", "sa") not in [c.modules for c in everything.interactions]
    assert len(everything.interactions) == (0 if lost == "none" else 8)


def test_a_factorial_without_a_network_that_a_half_does_not_need_is_a_half() -> None:
    contrasts = estimable_contrasts(PLB, [name for name in PLB.lacks if name != "routing"])
    assert contrasts is not None
    assert (contrasts.design, contrasts.shares, contrasts.missing) == (
        "half",
        (),
        {"factorial": ("routing",), "pairs": ("routing",)},
    )


@pytest.mark.parametrize("names", [[], ["none"], ["none", *MODULES], ["cbam", "sa", "cbam+sa"]])
def test_single_removals_say_nothing_of_interactions(names: Sequence[str]) -> None:
    assert estimable_contrasts(PLB, names) is None


# -- tests of both questions ------------------------------------------------------------------------------------------


def scored(
    rng: np.random.Generator, names: Sequence[str], seeds: int = 1
) -> dict[str, dict[tuple[int, int], FoldScore]]:
    return {
        name: {
            (seed, fold): FoldScore(float(rng.normal(0.8, 0.02)), 90, 10) for seed in range(seeds) for fold in range(10)
        }
        for name in names
    }


def test_a_difference_of_two_variants_is_a_contrast_with_the_same_tests() -> None:
    rng = np.random.default_rng(3)
    scores, drawn = scored(rng, ("none", "sa"), seeds=2), simulate(rng, 300, 6, seeds=2)
    answers = {"none": drawn.reference, "sa": drawn.variant}
    (estimate,) = estimate_family([Contrast(("sa",), {"none": 1, "sa": -1}, 1)], scores, answers)
    expected = compare(scores["none"], {"sa": scores["sa"]})["sa"]
    assert estimate.comparison.test == expected.test
    assert estimate.comparison.posterior == expected.posterior
    assert estimate.population is not None
    assert estimate.population.tests["wa"] == population_test(drawn.reference, drawn.variant)


def test_contrasts_are_made_inside_each_seed_and_fold_and_each_utterance() -> None:
    rng = np.random.default_rng(4)
    names = ("none", "a", "b", "a+b")
    scores, weights = scored(rng, names, seeds=2), {"none": 1.0, "a": -1.0, "b": -1.0, "a+b": 1.0}
    pairs = contrast_pairs(weights, scores)
    by_hand = [sum(weights[name] * scores[name][1, fold].score for name in names) for fold in range(10)]
    assert pairs.differences[10:] == pytest.approx(by_hand, abs=EXACT)
    assert (pairs.n_train.tolist(), pairs.n_test.tolist()) == ([90] * 20, [10] * 20)
    labels, folds = np.array([0, 1, 1]), np.array([0, 1, 2])
    answers = {name: Answers(labels, np.array(p), folds) for name, p in zip(names, ANSWERED, strict=True)}
    assert utterance_values(weights, answers).tolist() == [0.5, 0, -1]


ANSWERED = ([[0, 1, 0], [0, 1, 0]], [[0, 1, 1], [1, 1, 1]], [[0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]])


def test_signs_of_a_contrast_are_no_test_of_its_mean() -> None:
    """Twelve utterances of which ten are a little better and two much worse: the mean is 0, the signs are not."""
    labels = np.zeros(400, dtype=int)
    right = {name: np.ones((1, 400), dtype=int) for name in ("none", "a", "b", "a+b")}
    right["a"][0, :10] = right["none"][0, 10:15] = right["a+b"][0, 10:15] = 0
    answers = {name: Answers(labels, 1 - values, np.arange(400) % 10) for name, values in right.items()}
    weights = {"none": 1.0, "a": -1.0, "b": -1.0, "a+b": 1.0}
    values = utterance_values(weights, answers)
    assert (values.sum(), (values > 0).sum(), (values < 0).sum()) == (0, 10, 5)
    flat = {name: {(0, fold): FoldScore(0.8 + 0.01 * (fold % 2), 360, 40) for fold in range(10)} for name in weights}
    (estimate,) = estimate_family([Contrast(("a", "b"), weights, 1)], flat, answers)
    assert estimate.population is not None
    test = estimate.population.tests["wa"]
    assert (test.p, test.exact) == (1, False)
    assert test.ci95[0] < 0 < test.ci95[1]


def test_holm_is_over_one_family_and_question() -> None:
    rng = np.random.default_rng(6)
    contrasts = found(PLB, "half")
    scores = scored(rng, planned_variants("half", PLB))
    estimates = estimate_family(contrasts.interactions, scores, {})
    assert [e.comparison.p_holm for e in estimates] == pytest.approx(holm([e.comparison.test.p for e in estimates]))
    assert {e.population for e in estimates} == {None}
    assert all(len(e.removals) == 3 for e in estimates)


def test_folds_that_do_not_belong_together_are_refused() -> None:
    scores = scored(np.random.default_rng(7), ("none", "sa"))
    del scores["sa"][0, 3]
    with pytest.raises(PairingError, match=r"sa lacks \(seed, fold\) \(0, 3\)"):
        contrast_pairs({"none": 1, "sa": -1}, scores)
