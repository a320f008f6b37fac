"""What the program knows of a model family: its modules and their names, its variants, and how to build them.

This is the whole contract: no file outside a family's own knows the names of its modules or the shape of its input. A
variant is named by what is removed: ``none``, one or more modules joined by ``+`` in any order, or a named variant of
the family, which cannot be combined. Each network is trained once; `ModelFamily.same_network` returns its canonical
name. In place of a module, a name may have its *control*: the module stays with all its parameters, but what it does no
longer depends on the input. Nothing here needs TensorFlow.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any, Protocol

from plb_ablate.core.errors import ConfigError
from plb_ablate.models.build_settings import BuildSettings, Shape

if TYPE_CHECKING:
    import keras

__all__ = ["WHOLE", "BuildSettings", "ModelFamily", "Network", "Shape"]

WHOLE = "none"
"""Name of the variant from which nothing is removed: the reference of every comparison."""


class Builder(Protocol):
    """Builds a variant of a family."""

    def __call__(self, num_classes: int, input_shape: Shape, ablation: str, settings: BuildSettings) -> "keras.Model":
        """Return a functional model: float32 (batch, *input_shape) -> probabilities, float32 (batch, num_classes)."""


@dataclass(frozen=True, eq=False)
class ModelFamily:
    """A network and its ablation variants.

    Parameters
    ----------
    name : str
        Name in tables and in the tag ``model`` of runs.
    title : str
        What it is, for people.
    modules : mapping of str to str
        Removable modules, in the order of tables, each with its name there.
    build : Builder
        Builds a variant.
    named_variants : mapping of str to str
        Variants other than removals, each with its name in tables.
    controls : mapping of str to (str, str)
        Controls, each with its module and its name in tables.
    rows_below : mapping of str to str
        Named variants whose row follows that of a module instead of coming after all modules.
    streams : tuple of str
        Named variants that keep one of several streams: rows of a table of their own.
    notes : mapping of str to str
        Sentences below a table that has the row of a named variant.
    not_removals : frozenset of str
        Named variants that are easily mistaken for a removal, but are another model.
    applied_by : mapping of str to tuple of str
        Modules that the network applies only to the output of others; if all of those are removed, so is the module.
    expected_loss : callable, optional
        For the audit of removals: from the canonical name of a variant, and the parameters of the whole network by the
        first part of their names, the parameters that the variant should lack, by the same parts. None if the family
        does not say what its removals take.
    check_input : callable
        Raises `ConfigError` if an input of this shape is too small for the network.
    loss : str
        Loss of a training, if ``trainer.loss`` names no other.
    options : frozenset of str
        Fields of `BuildSettings` that change the network.
    kernels_by_name : bool
        Whether a training draws every kernel by its name from Glorot's uniform distribution, and starts all other
        weights from constants; otherwise the model is built again for every fold, and its own initialisers draw.
    published : bool
        Whether it is the network of the published study, with which its results are compared.

    Examples
    --------
    >>> family = ModelFamily("two", "Two modules", {"sa": "SA", "cbam": "CBAM"}, build=print)
    >>> family.canonical("cbam+sa")
    'sa+cbam'
    """

    name: str
    title: str
    modules: Mapping[str, str]
    build: Builder | Any
    named_variants: Mapping[str, str] = field(default_factory=dict)
    controls: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rows_below: Mapping[str, str] = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    not_removals: frozenset[str] = frozenset()
    applied_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expected_loss: Callable[[str, Mapping[str, int]], dict[str, int]] | None = None
    check_input: Callable[[tuple[int, ...]], None] = lambda shape: None
    loss: str = "cross_entropy"
    options: frozenset[str] = frozenset()
    kernels_by_name: bool = False
    published: bool = False

    def check(self, settings: BuildSettings) -> None:
        """Refuse settings that the family does not have.

        Raises
        ------
        ConfigError
            If ``reverse`` or ``trainer.precision`` is not at its default, and changes nothing in the network.
        """
        for option, name in (("reverse", "reverse"), ("precision", "trainer.precision")):
            value, usual = getattr(settings, option), getattr(BuildSettings, option)
            if option not in self.options and value != usual:
                raise ConfigError(f"{name}={value} has no meaning for model={self.name}. Leave it at {usual}.")

    # ------------------------------------------------------------------ names

    def canonical(self, ablation: str) -> str:
        """Return the canonical form of a variant's name: its parts in the order of `modules`.

        Raises
        ------
        ConfigError
            If it is no variant, or names a module twice; the message lists the valid names.
        """
        if ablation in (WHOLE, *self.named_variants):
            return ablation
        typed = ablation.split("+")
        parts = {self.module_of(part): part for part in typed}
        if not set(parts) <= set(self.modules) or len(parts) < len(typed):
            example = "+".join(list(self.modules)[-2:])
            named = f", or one of {', '.join(self.named_variants)}" if self.named_variants else ""
            controls = f" (or in its place {', '.join(self.controls)})" if self.controls else ""
            raise ConfigError(
                f"ablation={ablation} is unknown. Use {WHOLE}, one or more of "
                f"{', '.join(self.modules)}{controls}, each once and joined by '+' (for example {example}){named}. "
                f"These are the variants of model={self.name}."
            )
        return "+".join(parts[module] for module in self.modules if module in parts)

    def knows(self, ablation: str) -> bool:
        """Whether this is the name of a variant."""
        try:
            return bool(self.canonical(ablation))
        except ConfigError:
            return False

    def module_of(self, part: str) -> str:
        """Return the module that a part of a name removes or controls."""
        return self.controls[part][0] if part in self.controls else part

    def removed(self, ablation: str) -> frozenset[str]:
        """Return the modules that a variant lacks (empty for `WHOLE` and for named variants)."""
        return frozenset(self.modules) & frozenset(self.canonical(ablation).split("+"))

    def frozen(self, ablation: str) -> frozenset[str]:
        """Return the modules whose control a variant has in their place."""
        return frozenset(self.module_of(part) for part in self.canonical(ablation).split("+") if part in self.controls)

    def same_network(self, ablation: str) -> str:
        """Return the canonical name of a variant's network: the shortest of the names that build the same graph.

        Raises
        ------
        ConfigError
            If it is no variant.
        """
        removed = self.removed(ablation)
        idle = {module for module, others in self.applied_by.items() if removed.issuperset(others)}
        canonical = self.canonical(ablation)
        kept = [part for part in canonical.split("+") if self.module_of(part) not in idle]
        return "+".join(kept) if idle else canonical

    @cached_property
    def ablations(self) -> tuple[str, ...]:
        """All names of variants without controls, in canonical form."""
        sizes = range(1, len(self.modules) + 1)
        sums = ("+".join(chosen) for size in sizes for chosen in combinations(self.modules, size))
        return (WHOLE, *sums, *self.named_variants)

    @cached_property
    def networks(self) -> tuple[str, ...]:
        """Canonical names of all distinct networks without controls."""
        return tuple(dict.fromkeys(map(self.same_network, self.ablations)))

    def network_names(self, ablation: str) -> tuple[str, ...]:
        """Return all names of variants that build the same network as `ablation`, the canonical name first."""
        wanted = self.same_network(ablation)
        if self.frozen(wanted):
            return (wanted,)
        return tuple(other for other in self.ablations if self.same_network(other) == wanted)

    def same_network_notes(self, ablations: Iterable[str]) -> tuple[str, ...]:
        """Return a sentence for each other name of the networks of `ablations`; unknown names are ignored."""
        known = dict.fromkeys(self.same_network(name) for name in ablations if name in self.ablations)
        return tuple(
            f"{other} is the same network as {name}: it is trained and counted once, under the name {name}."
            for name in (known if self.applied_by else ())
            for other in self.network_names(name)[1:]
        )

    # ------------------------------------------------------------------ tables

    def display_name(self, ablation: str) -> str:
        """Return the name of a variant's row; combinations and unknown names as in the setting."""
        controls = {name: title for name, (_, title) in self.controls.items()}
        names = {WHOLE: "proposed"} | dict(self.modules) | controls | dict(self.named_variants)
        return names.get(ablation, ablation)

    @cached_property
    def _rows(self) -> dict[str, int]:
        below = {module: name for name, (module, _) in self.controls.items()}
        singles = [row for name in self.modules for row in (name, below.get(name), self.rows_below.get(name)) if row]
        rows = dict.fromkeys((WHOLE, *singles, *self.named_variants, *self.networks))
        return {name: place for place, name in enumerate(rows)}

    def row_order(self, ablation: str) -> tuple[int, int, str]:
        """Return the sort key of a variant's row: whole, modules, named variants, combinations, then all others.

        Others are names with controls, and names that this version does not know; combinations come after their parts.
        """
        return self._rows.get(ablation, len(self._rows)), ablation.count("+"), ablation


@dataclass(frozen=True)
class Network:
    """Everything that a network is built from.

    Parameters
    ----------
    family : ModelFamily
    num_classes : int
        Number of emotions.
    input_shape : tuple of int
        Frames, coefficients, one channel.
    ablation : str
        Name of the variant.
    settings : BuildSettings
    """

    family: ModelFamily
    num_classes: int
    input_shape: Shape
    ablation: str = WHOLE
    settings: BuildSettings = field(default_factory=BuildSettings)

    def build(self) -> "keras.Model":
        """Build the network."""
        return self.family.build(self.num_classes, self.input_shape, self.ablation, self.settings)
