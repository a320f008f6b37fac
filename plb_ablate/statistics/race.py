"""A race: variants are compared with a reference after each round of trainings, and leave when they are decided.

A round is one fold under one seed, trained by the reference and all variants that are still in the race. What is
decided after a round is a pure function of the scores of this round and those before it.

References
----------
- O. Maron and A. W. Moore, Hoeffding Races, NeurIPS 1993.
- M. Lopez-Ibanez et al., The irace package: Iterated racing for automatic algorithm configuration, Operations Research
  Perspectives 3, 2016.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plb_ablate.models.family import WHOLE
from plb_ablate.statistics.race_standing import Place, RacePlan, Scores, Standing, evidence_and_levels
from plb_ablate.statistics.sequential_decisions import EQUIVALENT, RACING, SHOWN, decide, decision_chance

__all__ = ["Look", "Race", "hold_race", "look_at", "may_leave"]


@dataclass(frozen=True)
class Look:
    """The standings after a round, of the variants that were in the race until then; `number` counts from 1."""

    number: int
    standings: Mapping[str, Standing]

    @property
    def racing(self) -> tuple[str, ...]:
        """Variants that stay in the race."""
        return tuple(name for name, standing in self.standings.items() if standing.outcome == RACING)


@dataclass(frozen=True)
class Race:
    """A race as far as it was held: its plan, and a look for each whole round."""

    plan: RacePlan
    looks: tuple[Look, ...]

    @property
    def racing(self) -> tuple[str, ...]:
        """Variants that are still in the race."""
        return self.looks[-1].racing if self.looks else self.plan.variants

    @cached_property
    def standings(self) -> Mapping[str, tuple[int, Standing]]:
        """The last look at each variant, with its number; empty before the first round is whole."""
        last = {name: (look.number, standing) for look in self.looks for name, standing in look.standings.items()}
        return {name: last[name] for name in self.plan.variants if name in last}

    @property
    def decided(self) -> Mapping[str, tuple[int, str]]:
        """Variants that have left: after how many rounds, and why."""
        found = {name: (number, standing.outcome) for name, (number, standing) in self.standings.items()}
        return {name: (number, outcome) for name, (number, outcome) in found.items() if outcome != RACING}

    @property
    def left(self) -> Mapping[str, int]:
        """After how many rounds all who left did so; the reference, too, which leaves with the last variant."""
        found = {name: number for name, (number, _) in self.decided.items()}
        return found if self.racing else found | {WHOLE: len(self.looks)}

    def decided_at(self, name: str) -> str:
        """Return after how many of the planned rounds a variant left, for example ``4/10``; empty if it did not."""
        found = self.decided.get(name)
        return f"{found[0]}/{len(self.plan.rounds)}" if found else ""

    @property
    def trainings(self) -> int:
        """Trainings of all whole rounds, those of the reference among them."""
        return len(self.looks) + sum(number for number, _ in self.standings.values())

    @property
    def planned(self) -> int:
        """Trainings of the whole study."""
        return (len(self.plan.variants) + 1) * len(self.plan.rounds)

    @property
    def saved(self) -> int:
        """Trainings that are not needed any more."""
        return sum(len(self.plan.rounds) - number for number in self.left.values())


def hold_race(
    plan: RacePlan,
    reference: Scores,
    variants: Mapping[str, Scores],
    whole: Callable[[int, Sequence[str]], bool] = lambda number, racing: True,
) -> Race:
    """Hold a race over known scores.

    Parameters
    ----------
    plan : RacePlan
    reference, variants : scores by (seed, fold)
        A training without a score is no evidence.
    whole : callable
        Given the number of a round and the variants in the race, whether all of its trainings have ended. The race
        stands still at the first round that is not whole.

    Returns
    -------
    Race
        With a look for each whole round, until all variants have left.

    Raises
    ------
    PairingError
        If folds differ in size, or a score is not finite.
    """
    looks: list[Look] = []
    while len(looks) < len(plan.rounds):
        racing = looks[-1].racing if looks else plan.variants
        if not racing or not whole(len(looks) + 1, racing):
            break
        looks.append(look_at(plan, looks, reference, variants))
    return Race(plan, tuple(looks))


def look_at(plan: RacePlan, before: Sequence[Look], reference: Scores, variants: Mapping[str, Scores]) -> Look:
    """Take the look that follows others; the arguments are those of `hold_race`."""
    racing, number = before[-1].racing if before else plan.variants, len(before) + 1
    places = {name: Place(plan, number, reference, variants.get(name, {}), name) for name in racing}
    evidence, now, last = evidence_and_levels(plan, places.values(), number)
    shown = np.array(_shown(before))
    outcome, others = decide(evidence, now, last, np.ones(len(racing), dtype=bool), shown, plan.futility, plan.rope)
    shown = shown + (outcome == SHOWN).sum()
    chances = decision_chance(evidence, last, shown, plan.rope) if last else np.zeros(len(racing))
    standings = {}
    for i, (name, place) in enumerate(places.items()):
        alpha = plan.alpha / (len(plan.variants) - int(others[i]))
        chance = 1.0 if outcome[i] in (SHOWN, EQUIVALENT) else float(chances[i])
        standings[name] = place.standing(str(outcome[i]), alpha, chance)
    return Look(number, standings)


def may_leave(
    plan: RacePlan, before: Sequence[Look], reference: Scores, variants: Mapping[str, Scores], name: str
) -> bool:
    """Whether a variant may leave at the next look, whatever the others do; its own training has ended.

    The answer is no only if it stays both with the level that it has while no other is shown, and with that of the
    last one.
    """
    number, racing = len(before) + 1, before[-1].racing if before else plan.variants
    if number >= len(plan.rounds):
        return True
    shown = _shown(before)
    place = Place(plan, number, reference, variants.get(name, {}), name)
    evidence, now, last = evidence_and_levels(plan, [place], number)
    return any(
        decide(evidence, now, last, np.ones(1, dtype=bool), np.array(others), plan.futility, plan.rope)[0][0] != RACING
        for others in (shown, shown + len(racing) - 1)
    )


def _shown(looks: Iterable[Look]) -> int:
    return sum(standing.outcome == SHOWN for look in looks for standing in look.standings.values())
