"""Cells of a race without recordings, and their results: scores drawn at random, the same for the same cell."""

import json
import zlib
from pathlib import Path

import numpy as np

from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.store import Ledger
from plb_ablate.orchestration.cell_race import CellRace

EFFECTS = {"none": 0.0, "cbam": 0.0, "sa": 0.05, "dwscnn": 0.09, "routing": 0.2}
"""What each removal costs."""


def race_cells(folds: int = 10, seeds: int = 1, names: tuple[str, ...] = tuple(EFFECTS)) -> list[Cell]:
    """Every fold of every seed of some variants."""
    protocol = {"name": "nested", "n_splits": folds}
    return [
        Cell(
            {"dataset": "ravdess", "ablation": name, "seed": 42 + seed, "protocol": protocol},
            fold,
            folds,
            ("a", "b"),
            Path("corpus.npz"),
        )
        for name in names
        for seed in range(seeds)
        for fold in range(folds)
    ]


def score_of(cell: Cell) -> float:
    """The score that a cell always gets."""
    place = f"{cell.settings['ablation']} {cell.settings['seed']} {cell.fold}"
    noise = np.random.default_rng(zlib.crc32(place.encode())).normal(0, 0.025)
    return float(0.8 - EFFECTS[cell.settings["ablation"]] + noise)


def finish_with(ledger: Ledger, cell: Cell, score: float, loss: str = "0.5") -> None:
    """Write the files of a result that a race reads."""
    entry = ledger.entry(cell)
    entry.folder.mkdir(parents=True, exist_ok=True)
    draft = entry.folder / "draft"
    draft.mkdir()
    rules = {"best_validation": {"wa": score, "score": score, "epoch": 1}}
    sizes = {"train": 1296, "validation": 0, "test": 144}
    scores = {"headline": "best_validation", "rules": rules, "sizes": sizes}
    (draft / "scores.json").write_text(json.dumps(scores))
    (draft / "history.csv").write_text(f"epoch,train/loss\n0,{loss}\n")
    draft.rename(entry.result)


def hold(race: CellRace, ledger: Ledger, workers: int, rng: np.random.Generator, most: int = 10_000) -> int:
    """Train a race with some workers, whose cells end in any order; return the number of trainings.

    With `most` it is killed after as many.
    """
    running: list[Cell] = []
    started: set[str] = set()
    race.advance()
    for count in range(most):
        while len(running) < workers and (cell := race.next_cell(started)):
            started.add(cell.id)
            running.append(cell)
        if not running:
            return count
        cell = running.pop(int(rng.integers(len(running))))
        finish_with(ledger, cell, score_of(cell))
        race.advance()
    return most
