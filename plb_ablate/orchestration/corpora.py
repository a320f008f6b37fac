"""The check of every corpus of a sweep before its first training."""

from collections.abc import Callable, Sequence

from plb_ablate.config.schema import Config
from plb_ablate.core.provenance import has_bfloat16
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.store import Ledger
from plb_ablate.splits.leakage import audit_prepared
from plb_ablate.splits.leakage_report import LeakageReport

__all__ = ["check_corpora"]


def check_corpora(plan: Plan, configs: Sequence[Config], ledger: Ledger, say: Callable[[str], None]) -> None:
    """Check every corpus and protocol of a sweep, and keep what was found to upload it.

    Parameters
    ----------
    plan : Plan
    configs : sequence of Config
        The jobs of the sweep.
    ledger : Ledger
        Where the audits are stored.
    say : callable
        Called with each warning and remark.

    Raises
    ------
    LeakageError
        If the splits of a speaker-independent protocol share speakers or recordings.
    StoreError
        If the ledger cannot be written.
    """
    audits: dict[tuple[str, str], LeakageReport] = {}
    if any(config.trainer.precision == "bfloat16" for config in configs) and not has_bfloat16():
        say("warning: this CPU has no native bfloat16 support: trainer.precision=bfloat16 is slower here.")
    for config in configs:
        prepared = plan.corpus(config)
        key = (prepared.content, str(config.protocol))
        if key not in audits:
            audits[key] = audit_prepared(prepared, config.protocol)
            audits[key].check(config.protocol)
            for line in audits[key].warnings():
                say(f"warning: {line}")
        for cell in plan.cells(config)[:1]:
            warnings = prepared.check.warnings if prepared.check else []
            ledger.write_audit(cell, audits[key].to_dict(), warnings if prepared.corpus.reference else None)
    for line in plan.remarks:
        say(line)
