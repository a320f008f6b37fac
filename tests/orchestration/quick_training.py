"""A training that takes a moment: its predictions are drawn at random, its score is that of `races.score_of`.

Everything else of a sweep is real: the processes, the ledger, the uploads. ``QUICK_FAIL`` names a variant and a fold
that fail, ``QUICK_SECONDS`` says how long a training takes.
"""

import os
import time
import zlib
from pathlib import Path
from unittest.mock import patch

from plb_ablate.core.signals import end_with
from plb_ablate.features.dataset import PreparedCorpus
from plb_ablate.ledger import results
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.store import Ledger
from plb_ablate.orchestration.worker import DONE, FAILED, WorkerSetup
from plb_ablate.training.metrics import score_predictions
from tests.orchestration.races import score_of
from tests.results_helper import finish


def start_quickly(setup: WorkerSetup, parent: int) -> None:
    """Prepare a worker that needs no TensorFlow."""
    end_with(parent)


def train_quickly(cell: Cell, ledger_root: Path) -> str:
    """Write the result of a cell."""
    ledger = Ledger(ledger_root)
    entry = ledger.entry(cell)
    if entry.result.is_dir():
        return DONE
    if os.environ.get("QUICK_FAIL") == f"{cell.settings['ablation']} {cell.fold}":
        entry.fail("it was told to fail", cell.description)
        return FAILED
    time.sleep(float(os.environ.get("QUICK_SECONDS", "0")))
    prepared = PreparedCorpus.load(cell.corpus_file)
    with patch.object(results, "score_predictions", lambda *_: score_predictions(*_) | {"wa": score_of(cell)}):
        finish(ledger, cell, prepared, seed=zlib.crc32(cell.id.encode()))
    return DONE
