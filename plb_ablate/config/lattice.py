"""The distinct networks of a model's removals, ordered by what they lack.

A module that a network applies only to the output of others is *idle* once those are removed: then the network is the
same with and without it. Such a network stands here once, under everything that it lacks. Comparisons of networks that
differ in one module alone are its `Lattice.steps`, those in two modules alone its `Lattice.squares`; whatever is zero
or fixed by construction is in neither, so that it is never estimated.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from plb_ablate.core.errors import ConfigError

__all__ = ["Constructed", "Lattice", "Removed", "ablation_name", "subsets"]

Removed = frozenset[str]
"""Modules that a network lacks."""


def subsets(modules: Sequence[str]) -> list[Removed]:
    """Return all subsets of some modules: by size, then in the order of the modules."""
    return [frozenset(chosen) for size in range(len(modules) + 1) for chosen in combinations(modules, size)]


def ablation_name(removed: Removed, modules: Sequence[str]) -> str:
    """Return the setting ``ablation`` that removes these modules: ``none``, or names joined by ``+`` in order."""
    return "+".join(module for module in modules if module in removed) or "none"


@dataclass(frozen=True)
class Constructed:
    """In how many of all presences of the other modules a comparison is settled by construction.

    Parameters
    ----------
    total : int
        Presences of the other modules.
    zero : int
        Those in which it is zero, because the networks are the same.
    fixed : int
        Those in which it is no comparison of these modules alone: it equals the effect of one module, or a removal
        takes an idle module along.
    """

    total: int
    zero: int
    fixed: int


@dataclass(frozen=True)
class Lattice:
    """The networks of a model's removals.

    Parameters
    ----------
    modules : tuple of str
        All modules, in the order of tables.
    same_network : callable
        From the name of a removal to the name under which its network is trained (`plb_ablate.models.family`).

    Raises
    ------
    ConfigError
        If a network could lack either of two sets of modules, but not both together.

    Examples
    --------
    >>> Lattice(("cbam", "sa"), lambda name: name).squares("cbam", "sa")
    (('none', 'cbam', 'sa', 'cbam+sa'),)
    """

    modules: tuple[str, ...]
    same_network: Callable[[str], str]

    def name(self, removed: Removed) -> str:
        """Return the name under which the network without these modules is trained."""
        return self.same_network(ablation_name(removed, self.modules))

    @cached_property
    def lacks(self) -> Mapping[str, Removed]:
        """Trained name of each distinct network to everything that it lacks, idle modules included."""
        found: dict[str, Removed] = {}
        for removed in subsets(self.modules):
            name = self.name(removed)
            found[name] = found.get(name, frozenset()) | removed
        for name, removed in found.items():
            if self.name(removed) != name:
                raise ConfigError(
                    f"ablation={ablation_name(removed, self.modules)} must be the same network as ablation={name}: "
                    "each of its modules is idle in that one. Correct the model's rule of what is the same network."
                )
        return found

    @cached_property
    def _closed(self) -> Mapping[Removed, str]:
        return {removed: name for name, removed in self.lacks.items()}

    @property
    def whole(self) -> str:
        """Name of the network from which nothing is removed."""
        return self.name(frozenset())

    @property
    def bare(self) -> str:
        """Name of the network from which every module is removed."""
        return self.name(frozenset(self.modules))

    @cached_property
    def idle(self) -> Mapping[Removed, tuple[str, ...]]:
        """Smallest removals that leave other modules idle, with those modules."""
        found: dict[Removed, tuple[str, ...]] = {}
        for removed in subsets(self.modules):
            more = self.lacks[self.name(removed)] - removed
            more -= {module for less, idle in found.items() if less < removed for module in idle}
            if more:
                found[removed] = tuple(module for module in self.modules if module in more)
        return found

    def steps(self, module: str) -> tuple[tuple[str, str], ...]:
        """Return all pairs (with, without) of networks that differ in this module alone."""
        named = self._closed
        return tuple(
            (name, named[removed | {module}])
            for removed, name in named.items()
            if module not in removed and removed | {module} in named
        )

    def squares(self, one: str, other: str) -> tuple[tuple[str, str, str, str], ...]:
        """Return all four networks that differ in two modules alone: with both, without each, with neither."""
        named, found = self._closed, []
        for removed in named:
            corners = (removed, removed | {one}, removed | {other}, removed | {one, other})
            if not removed & {one, other} and all(corner in named for corner in corners):
                found.append(tuple(named[corner] for corner in corners))
        return tuple(found)  # type: ignore[arg-type]

    def constructed(self, *modules: str) -> Constructed:
        """Count the presences of the other modules in which the effect of one module, or of two, is settled."""
        others = [module for module in self.modules if module not in modules]
        contexts, zero, fixed = subsets(others), 0, 0
        for context in contexts:
            corners = [(context | more, (-1) ** len(more)) for more in subsets(modules)]
            signs: Counter[str] = Counter()
            for removed, sign in corners:
                signs[self.name(removed)] += sign
            lacked = {self.lacks[self.name(removed)] - set(modules) for removed, _ in corners}
            distinct = len({self.name(removed) for removed, _ in corners}) == len(corners)
            zero += not any(signs.values())
            fixed += any(signs.values()) and not (distinct and len(lacked) == 1)
        return Constructed(len(contexts), zero, fixed)
