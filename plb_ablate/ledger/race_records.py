"""What races over the cells of a ledger decided: ``<ledger>/races/<configuration>.json``.

A record says for people and programs what follows from the results; it is written again after every look, and nothing
is decided from it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plb_ablate.core.atomic_files import replacing
from plb_ablate.ledger.store import Ledger

__all__ = ["is_spared", "race_records", "write_race"]


def write_race(ledger: Ledger, config_hash: str, record: dict[str, Any]) -> None:
    """Store how a race stands, in place of what was stored of it before."""
    folder = ledger.root / "races"
    folder.mkdir(exist_ok=True)
    with replacing(folder / f"{config_hash}.json") as draft:
        draft.write_text(json.dumps(record, indent=1) + "\n")


def race_records(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Return what is stored of every race, by the hash of its configuration."""
    files = sorted(Path(ledger.root, "races").glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def is_spared(record: Mapping[str, Any] | None, cell: Mapping[str, Any]) -> bool:
    """Whether a race has decided the variant of a cell before the round of the cell.

    Parameters
    ----------
    record : mapping, optional
        Of the race of the cell's configuration.
    cell : mapping
        `plb_ablate.ledger.cells.Cell.description`.
    """
    place = [cell["seed"], cell["fold"]]
    if record is None or place not in record["rounds"]:
        return False
    left = record["left"].get(cell["ablation"])
    return left is not None and record["rounds"].index(place) >= left
