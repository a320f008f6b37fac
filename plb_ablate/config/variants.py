"""The names of the removals, how they combine, and which of them are one network.

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
"""The modules that can be removed, in the order of the published table."""

APPLIED_BY = {"spa": ("dwscnn", "sa")}
"""Modules that the network applies only within others; where all of those are removed, nothing is left of them.

The spatial attention gates the capsules after ``dwscnn`` and the product of ``sa``, and nothing else.
"""

NAMED_VARIANTS = ("spa_published", "forward_only", "backward_only")
"""Models that are no plain removal: the published `Spa` row, and single streams of the Pattern Learning Block."""

ABLATIONS = (
    "none",
    *("+".join(chosen) for size in range(1, len(MODULES) + 1) for chosen in combinations(MODULES, size)),
    *NAMED_VARIANTS,
)
"""Every ablation in its canonical spelling."""


def canonical_ablation(name: str) -> str:
    """Give the canonical spelling of an ablation: its modules in the order of `MODULES`.

    Raises
    ------
    ConfigError
        If `name` is not an ablation, or names a module twice; the message lists the valid ones.

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
            f"ablation={name} is unknown. Use none, any of {', '.join(MODULES)} joined by '+' (for example cbam+sa), "
            f"each once, or one of {', '.join(NAMED_VARIANTS)}."
        )
    return "+".join(module for module in MODULES if module in parts)


def removed_modules(name: str) -> frozenset[str]:
    """Give the modules that the ablation `name` takes away (empty for ``none`` and for `NAMED_VARIANTS`)."""
    return frozenset(MODULES) & frozenset(canonical_ablation(name).split("+"))


def same_network(name: str) -> str:
    """Give the name that the network of an ablation goes by: the shortest of those that build the same graph.

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
"""Every network once, under the name it goes by: 28 of the 32 combinations of removals, and `NAMED_VARIANTS`."""


def network_names(name: str) -> tuple[str, ...]:
    """Give all ablations that build the same network as `name`; first the one it goes by."""
    return tuple(other for other in ABLATIONS if same_network(other) == same_network(name))


def same_network_notes(ablations: Iterable[str]) -> tuple[str, ...]:
    """Say in words which other ablations are the networks of some ablations; names that are unknown are passed over."""
    known = dict.fromkeys(same_network(name) for name in ablations if name in ABLATIONS)
    return tuple(
        f"{other} is the same network as {name} and goes by that name: it is trained and counted once."
        for name in known
        for other in network_names(name)[1:]
    )
