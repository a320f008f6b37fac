"""Audit: each removal removed the expected parameters, module by module."""

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
"""Modules that a removal takes away, if their names differ from its own.

The attention scale always stays, because the other attention uses it.
"""


def expected_loss(ablation: str, full: Mapping[str, int]) -> dict[str, int]:
    """Return the parameters that an ablation should remove, by module.

    Parameters
    ----------
    ablation : str
        Canonical name; a combination removes what its parts remove, including those of its other names.
    full : mapping of str to int
        Parameters of each module of the proposed model.
    """
    parts = {part for name in network_names(ablation) for part in removed_modules(name)}
    modules = {module for part in parts or (ablation,) for module in _TAKES.get(part, (part,))}
    return {module: full.get(module, 0) for module in sorted(modules)}


def removal_table(study: Study) -> Table:
    """Make the table of removed and expected parameters, from the counts stored with the runs."""
    none = study.config("none")
    full = dict(none.modules or {}) if none else {}
    rows = [_row(study, name, full) for name in study.ablations if name != "none"]
    return Table(
        "removals",
        "Parameters that each removal removed from the proposed model, and the expected number.",
        ("Name", "removed", "expected", "from modules", "as expected"),
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
    result = f"NO: expected {', '.join(wanted) or 'nothing'}"
    if taken == wanted:
        result = "yes" if taken else "not visible in counts"
    modules = ", ".join(f"{module} {count:,}" for module, count in taken.items()) or "nothing"
    return (
        text(display_name(name)),
        number(sum(taken.values())),
        number(sum(wanted.values())),
        text(modules),
        text(result),
    )
