"""Audit: each removal removed the expected parameters, module by module."""

from collections.abc import Mapping

from plb_ablate.models.family import WHOLE
from plb_ablate.report.study import Study
from plb_ablate.report.tables.model import MISSING, Table, TableCell, number, text

__all__ = ["removal_table"]

_UNKNOWN = "What a removal should take is not known for this model: compare the numbers with your own."


def removal_table(study: Study) -> Table:
    """Make the table of removed and expected parameters, from the counts stored with the runs."""
    family, none = study.key.family, study.config(WHOLE)
    full = dict(none.modules or {}) if none else {}
    rows = [_row(study, name, full) for name in study.ablations if name != WHOLE]
    return Table(
        "removals",
        "Parameters that each removal removed from the proposed model, and the expected number.",
        ("Name", "removed", "expected", "from modules", "as expected"),
        tuple(rows),
        "lrrll",
        (*family.same_network_notes(study.ablations), *([] if family.expected_loss else [_UNKNOWN])),
    )


def _row(study: Study, name: str, full: Mapping[str, int]) -> tuple[TableCell, ...]:
    config = study.config(name)
    if config is None or not config.modules or not full:
        return (text(study.display_name(name)), *[TableCell(MISSING)] * 3, text("no finished parent run"))
    taken = {m: full.get(m, 0) - config.modules.get(m, 0) for m in sorted({*full, *config.modules})}
    taken = {module: count for module, count in taken.items() if count}
    modules = ", ".join(f"{module} {count:,}" for module, count in taken.items()) or "nothing"
    total = (text(study.display_name(name)), number(sum(taken.values())))
    expected = study.key.family.expected_loss
    if expected is None or not study.key.family.knows(name):
        why = "not known" if expected is None else "unknown to this version"
        return (*total, TableCell(MISSING), text(modules), text(why))
    wanted = {module: count for module, count in expected(name, full).items() if count}
    result = f"NO: expected {', '.join(wanted) or 'nothing'}"
    if taken == wanted:
        stay = study.key.family.frozen(name) if name in study.key.family.controls else ()
        result = "yes" if taken else "yes: all parameters stay" if stay else "not visible in counts"
    return (*total, number(sum(wanted.values())), text(modules), text(result))
