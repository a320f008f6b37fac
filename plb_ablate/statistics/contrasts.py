"""Effects of modules and of pairs of modules, as linear contrasts of the scores of several variants.

A contrast gives each network a weight, and the weights add up to zero. Its value is computed inside each seed and fold,
or for each utterance, so that the tests of a difference of two variants are also its tests.

References
----------
- G. E. P. Box, J. S. Hunter and W. G. Hunter, Statistics for Experimenters, 2nd edition, 2005, chapters 5 and 6.
- L. S. Shapley, A Value for n-Person Games, Contributions to the Theory of Games II, 1953, equation 13.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from plb_ablate.config.designs import FEWEST_OF_A_HALF, planned_variants
from plb_ablate.config.lattice import Lattice, subsets
from plb_ablate.statistics.paired_test import Floats

__all__ = ["Contrast", "Contrasts", "Weights", "estimable_contrasts"]

Weights = Mapping[str, float]
"""Variant to its weight in a sum of scores."""

_TRIED = 0.75
"""A design is taken to have been meant if at least this share of its networks is there; what it lacks is then named."""


@dataclass(frozen=True)
class Contrast:
    """A linear contrast of the scores of networks.

    Parameters
    ----------
    modules : tuple of str
        The module whose effect it is, or the two whose interaction.
    weights : mapping of str to float
        Network to its weight; they add up to zero.
    averaged : int
        Number of comparisons of networks, differing in these modules alone, of which it is the mean.
    removals : tuple of mapping
        For an interaction, the costs of removing the first module alone, the second alone, and both, as weights.
    """

    modules: tuple[str, ...]
    weights: Weights
    averaged: int
    removals: tuple[Weights, ...] = ()


@dataclass(frozen=True)
class Contrasts:
    """What can be estimated from trained networks.

    Parameters
    ----------
    design : str
        What they contain: ``factorial``, ``half``, ``pairs`` (squares of networks next to the whole one), or empty.
    effects, interactions, shares : tuple of Contrast
        Effects of modules, interactions of pairs, and Shapley values.
    constructed : tuple of tuple of str
        Pairs whose interaction is zero or fixed by construction in these networks, so that it is not estimated.
    aliased : tuple of tuple of str
        Pairs whose interaction cannot be told from another one's.
    missing : mapping of str to tuple of str
        Designs that were meant to networks that they lack; estimates that need these are left out.
    """

    design: str
    effects: tuple[Contrast, ...] = ()
    interactions: tuple[Contrast, ...] = ()
    shares: tuple[Contrast, ...] = ()
    constructed: tuple[tuple[str, ...], ...] = ()
    aliased: tuple[tuple[str, ...], ...] = ()
    missing: Mapping[str, tuple[str, ...]] | None = None


def estimable_contrasts(lattice: Lattice, trained: Collection[str]) -> Contrasts | None:
    """Return all contrasts that trained networks allow; None if there is none, and no design lacks only a few networks.

    From all networks, the effect of a module is the mean of all `Lattice.steps`, and the interaction of a pair that of
    all `Lattice.squares`. From a half fraction they are the same means, with the networks that were not trained
    replaced by the model of effects and interactions of pairs that the half determines. Otherwise, interactions are
    those of the squares next to the whole network.

    Parameters
    ----------
    lattice : Lattice
        The networks of the model.
    trained : collection of str
        Names of those that have all folds of all seeds.
    """
    needed = {design: planned_variants(design, lattice) for design in ("factorial", "pairs")}
    if len(lattice.modules) >= FEWEST_OF_A_HALF:
        needed["half"] = planned_variants("half", lattice)
    lacking = {design: tuple(name for name in names if name not in trained) for design, names in needed.items()}
    design = next((name for name in ("factorial", "half") if not lacking.get(name, ("",))), "pairs")
    missing = {name: lack for name, lack in lacking.items() if lack and len(lack) <= (1 - _TRIED) * len(needed[name])}
    pairs = [*combinations(lattice.modules, 2)]
    squares = {pair: lattice.squares(*pair) for pair in pairs}
    effects: list[Contrast | None] = []
    shares: list[Contrast] = []
    reduce: Callable[[Weights], Weights | None] = _as_they_are
    if design == "pairs":
        whole = lattice.whole
        squares = {pair: tuple(s for s in found if s[0] == whole) for pair, found in squares.items()}
        untrained = {pair for pair, found in squares.items() if any(not set(s) <= set(trained) for s in found)}
        if len(untrained) + sum(not found for found in squares.values()) == len(pairs):
            return Contrasts("", missing=missing) if missing else None
    else:
        untrained = set()
        reduce = _half_model(lattice, needed["half"]) if design == "half" else _as_they_are
        effects = [_contrast((name,), lattice.steps(name), (1, -1), reduce) for name in lattice.modules]
        shares = [_share(lattice, name) for name in lattice.modules] if design == "factorial" else []
    estimated = {pair: found for pair, found in squares.items() if found and pair not in untrained}
    interactions = {pair: _contrast(pair, found, (1, -1, -1, 1), reduce) for pair, found in estimated.items()}
    return Contrasts(
        design,
        tuple(effect for effect in effects if effect),
        tuple(interaction for interaction in interactions.values() if interaction),
        tuple(shares),
        tuple(pair for pair, found in squares.items() if not found),
        tuple(pair for pair, interaction in interactions.items() if not interaction),
        missing,
    )


def _contrast(
    modules: tuple[str, ...],
    comparisons: Sequence[Sequence[str]],
    signs: Sequence[int],
    reduce: Callable[[Weights], Weights | None],
) -> Contrast | None:
    """Return the mean of comparisons of networks, each with these signs; None if it cannot be estimated."""

    def mean(signs: Sequence[int]) -> Weights | None:
        total: dict[str, float] = {}
        for names in comparisons:
            for name, sign in zip(names, signs, strict=True):
                total[name] = total.get(name, 0.0) + sign / len(comparisons)
        return reduce({name: weight for name, weight in total.items() if weight})

    weights = mean(signs) if comparisons else None
    if weights is None:
        return None
    costs = [mean(signs) for signs in ((1, -1, 0, 0), (1, 0, -1, 0), (1, 0, 0, -1))] if len(modules) == 2 else []
    return Contrast(modules, weights, len(comparisons), tuple(cost or {} for cost in costs))


def _share(lattice: Lattice, module: str) -> Contrast:
    """Return a module's Shapley value: the mean of its effects over all orders in which modules can be removed."""
    others = [name for name in lattice.modules if name != module]
    weights: dict[str, float] = {}
    for removed in subsets(others):
        weight = 1 / (len(lattice.modules) * comb(len(others), len(removed)))
        for name, sign in ((lattice.name(removed), 1), (lattice.name(removed | {module}), -1)):
            weights[name] = weights.get(name, 0.0) + sign * weight
    return Contrast((module,), weights, 2 ** len(others))


def _as_they_are(weights: Weights) -> Weights:
    return weights


def _half_model(lattice: Lattice, half: Sequence[str]) -> Callable[[Weights], Weights | None]:
    """Return what turns weights of all networks into weights of those of a half fraction, or into None.

    Scores are taken to be a constant plus effects of the modules that are at work, plus those of their pairs. Then the
    weights that the half gives are unique if its networks determine the contrast; the least ones are taken.
    """
    names = [*lattice.lacks]
    model = np.array([_effects(lattice, name) for name in names])
    known = model[[names.index(name) for name in half]]
    inverse = np.linalg.pinv(known)

    def reduce(weights: Weights) -> Weights | None:
        wanted = np.array([weights.get(name, 0.0) for name in names]) @ model
        found = wanted @ inverse
        if not np.allclose(found @ known, wanted, atol=1e-9):
            return None
        return {name: float(weight) for name, weight in zip(half, found, strict=True) if abs(weight) > 1e-12}

    return reduce


def _effects(lattice: Lattice, name: str) -> Floats:
    """Return the row of a network in the model: constant, presence of each module, presence of both of each pair."""
    present = [float(module not in lattice.lacks[name]) for module in lattice.modules]
    return np.array([1.0, *present, *(a * b for a, b in combinations(present, 2))])
