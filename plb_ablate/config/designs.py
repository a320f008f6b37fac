"""Designs of an ablation study, by name: which combinations of a model's modules are removed.

A design is a list of sets of removed modules; the networks that they build are in the model's `Lattice`.

References
----------
G. E. P. Box, J. S. Hunter and W. G. Hunter, Statistics for Experimenters, 2nd edition, 2005: chapter 5 (factorial
designs) and chapter 6 (fractional designs, defining relations, resolution).
"""

from collections.abc import Collection, Sequence
from itertools import combinations

from plb_ablate.config.lattice import Lattice, Removed, subsets
from plb_ablate.core.errors import ConfigError
from plb_ablate.models.family import ModelFamily

__all__ = [
    "DESIGNS",
    "alias_structure",
    "constructed_effects",
    "known_design",
    "model_lattice",
    "planned_variants",
    "removed_sets",
]

DESIGNS = {
    "leave_one_out": "the whole network, and each module removed alone",
    "add_one_in": "everything removed, and each module added to that alone; with the whole network as the reference",
    "factorial": "all combinations of removals",
    "half": "every second combination: those that remove an even number of modules",
    "pairs": "the whole network, and all removals of one and of two modules",
}
"""Name to what is trained."""

MODULES_OF_A_DESIGN = (2, 8)
"""Fewest and most modules."""

FEWEST_OF_A_HALF = 4
"""Fewest modules of which a half fraction tells a module's effect from those of pairs (resolution IV)."""

_ROMAN = {4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII"}


def model_lattice(family: ModelFamily, modules: str | None = None) -> Lattice:
    """Return the networks of a model's removals.

    Parameters
    ----------
    family : ModelFamily
    modules : str, optional
        The only modules to remove, joined by ``+`` in any order; None is all.

    Raises
    ------
    ConfigError
        If a name is no module, or is there twice.
    """
    chosen = [*family.modules] if modules is None else modules.split("+")
    if not set(chosen) <= set(family.modules) or len(set(chosen)) < len(chosen):
        raise ConfigError(
            f"modules={modules} is unknown. Use modules of model={family.name}, each once and joined by '+': "
            f"{', '.join(family.modules)}."
        )
    return Lattice(tuple(module for module in family.modules if module in chosen), family.same_network)


def known_design(name: str) -> str:
    """Return `name`.

    Raises
    ------
    ConfigError
        If there is no such design.
    """
    if name not in DESIGNS:
        raise ConfigError(f"design={name} is unknown. Use one of {', '.join(DESIGNS)}.")
    return name


def removed_sets(design: str, modules: Sequence[str]) -> tuple[Removed, ...]:
    """Return the sets of modules that a design removes, the smallest first; the empty one is the whole network.

    Raises
    ------
    ConfigError
        If the design is unknown, or cannot be made of so many modules.

    Examples
    --------
    >>> ["".join(sorted(removed)) for removed in removed_sets("half", "abcd")]
    ['', 'ab', 'ac', 'ad', 'bc', 'bd', 'cd', 'abcd']
    """
    m, (fewest, most) = len(modules), MODULES_OF_A_DESIGN
    numbers: dict[str, Collection[int]] = {
        "leave_one_out": (0, 1),
        "add_one_in": (0, m - 1, m),
        "factorial": range(m + 1),
        "half": range(0, m + 1, 2),
        "pairs": (0, 1, 2),
    }
    wanted = numbers[known_design(design)]
    if not fewest <= m <= most:
        raise ConfigError(
            f"design={design} needs {fewest} to {most} modules, not {m}. Choose some of the model's with "
            "modules=<a>+<b>, or name the variants with ablation=<a>,<b>."
        )
    if design == "half" and m < FEWEST_OF_A_HALF:
        raise ConfigError(
            f"design=half of {m} modules cannot tell the effect of a module from that of others. Use design=factorial, "
            f"which has {2**m} combinations."
        )
    return tuple(removed for removed in subsets(modules) if len(removed) in wanted)


def planned_variants(design: str, lattice: Lattice) -> tuple[str, ...]:
    """Return the variants that a design trains, each network once; raises as `removed_sets` does."""
    return tuple(dict.fromkeys(map(lattice.name, removed_sets(design, lattice.modules))))


def alias_structure(design: str, lattice: Lattice) -> tuple[str, ...]:
    """Describe in lines what a design trains, which effects it cannot tell apart, and what is zero or fixed anyway."""
    sets, networks = removed_sets(design, lattice.modules), planned_variants(design, lattice)
    same = f", {len(networks)} distinct networks" if len(networks) < len(sets) else ""
    m = len(lattice.modules)
    first = f"design={design}: {DESIGNS[design]}. {len(sets)} of {2**m} combinations of {m} modules{same}."
    aliases = _half(lattice.modules) if design == "half" else [_ALIASES[design]]
    if design == "half" and lattice.idle:
        aliases.append("What an idle module adds to these aliases follows from other effects, and is taken off.")
    return (first, *aliases, *constructed_effects(lattice))


def _half(modules: Sequence[str]) -> list[str]:
    m = len(modules)
    lines = [
        f"Half fraction 2^({m}-1) of resolution {_ROMAN[m]}. Defining relation: I = {_product(modules)}. An effect is "
        "estimated together with its alias, which is taken to be zero:"
    ]
    for size in (1, 2):
        for chosen in combinations(modules, size):
            alias = [module for module in modules if module not in chosen]
            if len(alias) > size:
                lines.append(f"  {_product(chosen)} = {_product(alias)}")
            elif modules[0] in chosen:
                lines.append(f"  {_product(chosen)} = {_product(alias)}: two pairs, neither of which is estimated")
    return lines


_ALIASES = {
    "leave_one_out": "Each effect is that of a module with all others there. A module that another one replaces looks "
    "useless; interactions cannot be estimated.",
    "add_one_in": "Each effect is that of a module with no other there. A module that needs another one looks useless; "
    "interactions cannot be estimated.",
    "factorial": "No effect is aliased with another.",
    "pairs": "Each effect, and the interaction of each pair, is that with all other modules there. Means over the "
    "presence of the others cannot be estimated.",
}


def constructed_effects(lattice: Lattice) -> list[str]:
    """Describe which effects and interactions are zero or fixed by construction; empty if none is."""
    lines = [
        f"{', '.join(idle)} {'is' if len(idle) == 1 else 'are'} idle without "
        f"{' and '.join(module for module in lattice.modules if module in without)}."
        for without, idle in lattice.idle.items()
    ]
    settled: dict[str, list[str]] = {"zero": [], "fixed": []}
    for size in (1, 2):
        for chosen in combinations(lattice.modules, size):
            count = lattice.constructed(*chosen)
            for word, n in (("zero", count.zero), ("fixed", count.fixed)):
                if n:
                    settled[word].append(f"{_product(chosen)} {n} of {count.total}")
    words = {"zero": "Zero by construction", "fixed": "Fixed by construction (an idle module goes along)"}
    lines += [
        f"{words[word]}, and not estimated there: {', '.join(found)}." for word, found in settled.items() if found
    ]
    return lines


def _product(modules: Sequence[str]) -> str:
    return "·".join(modules)
