"""Names of the ablation variants, how removals combine, and which names denote the same network.

An ablation name is ``none``, one or more of the five `MODULES` joined by ``+`` in any order, or one of
`NAMED_VARIANTS`, which cannot be combined. Each network is trained once; `same_network` returns its canonical name.
"""

from collections.abc import Iterable
from itertools import combinations

from plb_ablate.core.errors import ConfigError

__all__ = [
    "ABLATIONS",
    "MODULES",
    "NAMED_VARIANTS",
    "NETWORKS",
    "canonical_ablation",
    "network_names",
    "removed_modules",
    "same_network",
    "same_network_notes",
]

MODULES = ("dwscnn", "cbam", "spa", "sa", "routing")
"""Modules that can be removed, in the order of the published table."""

APPLIED_BY = {"spa": ("dwscnn", "sa")}
"""Modules that the network applies only to the output of others; if all of those are removed, so is the module.

The spatial attention is applied to the capsules after ``dwscnn`` and to the product of ``sa``, and nowhere else.
"""

NAMED_VARIANTS = ("spa_published", "forward_only", "backward_only")
"""Variants other than removals: the published `Spa` row, and single streams of the Pattern Learning Block."""

ABLATIONS = (
    "none",
    *("+".join(chosen) for size in range(1, len(MODULES) + 1) for chosen in combinations(MODULES, size)),
    *NAMED_VARIANTS,
)
"""All ablation names in canonical form."""


def canonical_ablation(name: str) -> str:
    """Return the canonical form of an ablation name: its modules in the order of `MODULES`.

    Raises
    ------
    ConfigError
        If `name` is not an ablation, or contains a module twice; the message lists the valid names.

    Examples
    --------
    >>> canonical_ablation("sa+cbam")
    'cbam+sa'
    """
    if name in ("none", *NAMED_VARIANTS):
        return name
    parts = name.split("+")
    if not set(parts) <= set(MODULES) or len(set(parts)) < len(parts):
        raise ConfigError(
            f"ablation={name} is unknown. Use none, one or more of {', '.join(MODULES)}, each once and joined by '+' "
            f"(for example cbam+sa), or one of {', '.join(NAMED_VARIANTS)}."
        )
    return "+".join(module for module in MODULES if module in parts)


def removed_modules(name: str) -> frozenset[str]:
    """Return the modules that the ablation `name` removes (empty for ``none`` and for `NAMED_VARIANTS`)."""
    return frozenset(MODULES) & frozenset(canonical_ablation(name).split("+"))


def same_network(name: str) -> str:
    """Return the canonical name of an ablation's network: the shortest of the names that build the same graph.

    Raises
    ------
    ConfigError
        If `name` is not an ablation.

    Examples
    --------
    >>> same_network("routing+sa+spa+dwscnn")
    'dwscnn+sa+routing'
    """
    removed = removed_modules(name)
    idle = {module for module, others in APPLIED_BY.items() if removed.issuperset(others)}
    kept = [module for module in MODULES if module in removed - idle]
    return "+".join(kept) or canonical_ablation(name)


NETWORKS = tuple(dict.fromkeys(map(same_network, ABLATIONS)))
"""Canonical names of all distinct networks: 28 of the 32 combinations of removals, and `NAMED_VARIANTS`."""


def network_names(name: str) -> tuple[str, ...]:
    """Return all ablation names that build the same network as `name`, the canonical name first."""
    return tuple(other for other in ABLATIONS if same_network(other) == same_network(name))


def same_network_notes(ablations: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence for each other name of the networks of `ablations`; unknown names are ignored."""
    known = dict.fromkeys(same_network(name) for name in ablations if name in ABLATIONS)
    return tuple(
        f"{other} is the same network as {name}: it is trained and counted once, under the name {name}."
        for name in known
        for other in network_names(name)[1:]
    )
