"""What a study says of modules and pairs of modules, if its variants are those of a design."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from plb_ablate.config.designs import MODULES_OF_A_DESIGN, model_lattice
from plb_ablate.config.lattice import Lattice
from plb_ablate.models.family import ModelFamily
from plb_ablate.statistics.answers import Answers, belong_together
from plb_ablate.statistics.contrast_tests import Estimate, Scores, estimate_family
from plb_ablate.statistics.contrasts import Contrast, Contrasts, estimable_contrasts

__all__ = ["ModuleEffects", "module_effects"]


@dataclass(frozen=True)
class ModuleEffects:
    """Effects of modules and pairs, each family with its own correction.

    Parameters
    ----------
    family : ModelFamily
        Names the modules.
    lattice : Lattice
        The networks of the model.
    contrasts : Contrasts
        What can be estimated, and what cannot.
    effects, interactions, shares : tuple of Estimate
        Effects of modules, interactions of pairs, and Shapley values.
    distance : Estimate, optional
        Whole minus bare network, if there are shares of it.
    means : mapping of str to float
        Network to its mean score, as a fraction.
    """

    family: ModelFamily
    lattice: Lattice
    contrasts: Contrasts
    effects: tuple[Estimate, ...]
    interactions: tuple[Estimate, ...]
    shares: tuple[Estimate, ...]
    distance: Estimate | None
    means: Mapping[str, float]


def module_effects(
    family: ModelFamily, scores: Mapping[str, Scores], answers: Mapping[str, Answers]
) -> ModuleEffects | None:
    """Estimate the effects of modules and pairs; None if the variants allow none.

    The modules of the design are those that some variant lacks.

    Parameters
    ----------
    family : ModelFamily
        Names the modules.
    scores : mapping of str to mapping of (int, int) to FoldScore
        Variant to its scores by (seed, fold); only variants that have them all.
    answers : mapping of str to Answers
        Variant to the predictions of its trainings, as far as they are there.

    Raises
    ------
    PairingError
        If variants differ in their folds, or there are fewer than two folds.
    """
    fewest, most = MODULES_OF_A_DESIGN
    removed = [parts for name in scores if (parts := {*name.split("+")}) <= {*family.modules}]
    chosen = set().union(*removed)
    if chosen != {*family.modules} and all(len(parts) == 1 for parts in removed):
        return None  # some modules, each removed alone: no design was meant beyond that
    if not fewest <= len(chosen) <= most:
        return None
    lattice = model_lattice(family, "+".join(sorted(chosen)))
    known = {name: scores[name] for name in lattice.lacks if name in scores}
    contrasts = estimable_contrasts(lattice, known)
    if contrasts is None:
        return None
    reference = answers.get(lattice.whole)
    alike = {name: a for name, a in answers.items() if reference is not None and belong_together(reference, a)}
    ends = Contrast((), {lattice.whole: 1.0, lattice.bare: -1.0}, 1)
    return ModuleEffects(
        family,
        lattice,
        contrasts,
        estimate_family(contrasts.effects, known, alike),
        estimate_family(contrasts.interactions, known, alike),
        estimate_family(contrasts.shares, known, alike),
        estimate_family([ends], known, alike)[0] if contrasts.shares else None,
        {name: fmean(score.score for score in by_fold.values()) for name, by_fold in known.items()},
    )
