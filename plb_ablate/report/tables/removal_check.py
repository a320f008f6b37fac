"""Audit: what a removal took away is what it should take, module by module."""

from collections.abc import Mapping

from plb_ablate.config.variants import network_names, removed_modules, same_network_notes
from plb_ablate.report.study import Study
from plb_ablate.report.tables.accuracy import display_name
from plb_ablate.report.tables.model import MISSING, Table, TableCell, number, text

__all__ = ["expected_loss", "removal_table"]

_TAKES = {
    "spa": ("capsule_gate",),
    "sa": ("layer_norm",),
    "spa_published": ("forward", "capsule_gate"),
    "forward_only": ("backward",),
    "backward_only": ("forward",),
}
"""Weights that go with a removal where they do not bear its name.

The attention scale always stays, for the other attention uses it.
"""


def expected_loss(ablation: str, full: Mapping[str, int]) -> dict[str, int]:
    """Give the parameters that an ablation should take, by module.

    Parameters
    ----------
    ablation : str
        Canonical name; a combination takes what each part of it takes, and of its other names, if it has any.
    full : mapping of str to int
        Parameters of each module of the proposed model.
    """
    parts = {part for name in network_names(ablation) for part in removed_modules(name)}
    modules = {module for part in parts or (ablation,) for module in _TAKES.get(part, (part,))}
    return {module: full.get(module, 0) for module in sorted(modules)}


def removal_table(study: Study) -> Table:
    """Make the table of parameters taken and to be taken, from the counts that the runs themselves carry."""
    none = study.config("none")
    full = dict(none.modules or {}) if none else {}
    rows = [_row(study, name, full) for name in study.ablations if name != "none"]
    return Table(
        "removals",
        "Parameters that each removal took from the proposed model, against what it should take.",
        ("Name", "taken", "should take", "from modules", "took effect"),
        tuple(rows),
        "lrrll",
        same_network_notes(study.ablations),
    )


def _row(study: Study, name: str, full: Mapping[str, int]) -> tuple[TableCell, ...]:
    config = study.config(name)
    if config is None or not config.modules or not full:
        return (text(display_name(name)), *[TableCell(MISSING)] * 3, text("no finished parent run"))
    taken = {m: full.get(m, 0) - config.modules.get(m, 0) for m in sorted({*full, *config.modules})}
    taken = {module: count for module, count in taken.items() if count}
    wanted = {module: count for module, count in expected_loss(name, full).items() if count}
    said = f"NO: should take from {', '.join(wanted) or 'nothing'}"
    if taken == wanted:
        said = "yes" if taken else "not to be told from counts"
    modules = ", ".join(f"{module} {count:,}" for module, count in taken.items()) or "nothing"
    return (
        text(display_name(name)),
        number(sum(taken.values())),
        number(sum(wanted.values())),
        text(modules),
        text(said),
    )
