"""The names of the removals, and how they combine.

An ablation name is ``none``, one or more of the five `MODULES` joined by ``+`` in any order, or one of `OTHER_MODELS`,
which do not combine.
"""

from itertools import combinations

from plb_ablate.errors import ConfigError

__all__ = ["ABLATIONS", "MODULES", "OTHER_MODELS", "canonical_ablation", "removed_modules"]

MODULES = ("dwscnn", "cbam", "spa", "sa", "routing")
"""The modules that can be removed, in the order of the published table."""

OTHER_MODELS = ("spa_published", "forward_only", "backward_only")
"""Models that are no plain removal: the published `Spa` row, and single streams of the Pattern Learning Block."""

ABLATIONS = (
    "none",
    *("+".join(chosen) for size in range(1, len(MODULES) + 1) for chosen in combinations(MODULES, size)),
    *OTHER_MODELS,
)
"""Every ablation under its canonical name."""


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
    if name in ("none", *OTHER_MODELS):
        return name
    parts = name.split("+")
    if not set(parts) <= set(MODULES) or len(set(parts)) < len(parts):
        raise ConfigError(
            f"ablation={name} is unknown. Use none, any of {', '.join(MODULES)} joined by '+' (for example cbam+sa), "
            f"each once, or one of {', '.join(OTHER_MODELS)}."
        )
    return "+".join(module for module in MODULES if module in parts)


def removed_modules(name: str) -> frozenset[str]:
    """Give the modules that the ablation `name` takes away (empty for ``none`` and for `OTHER_MODELS`)."""
    return frozenset(MODULES) & frozenset(canonical_ablation(name).split("+"))
