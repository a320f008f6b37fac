"""What a worker process does: train one cell after another, each with its own log, from its last state on."""

import errno
import os
import re
import time
import traceback
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schema import Trainer
from plb_ablate.core.errors import PlbError
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.core.signals import end_with
from plb_ablate.features.dataset import PreparedCorpus
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.results import write_result
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.splits.folds import make_folds
from plb_ablate.training.checkpoint import TrainingState

if TYPE_CHECKING:
    from plb_ablate.training.trainer import FoldTrainer

__all__ = ["DONE", "ELSEWHERE", "FAILED", "reason", "start_worker", "train_cell"]

DONE, ELSEWHERE, FAILED = "done", "elsewhere", "failed"
"""How `train_cell` can end: trained now or before, held by another process, failed."""


def start_worker(threads: int, parent: int) -> None:
    """Prepare a fresh process: TensorFlow deterministic on `threads` threads, and an end when the parent ends."""
    end_with(parent)
    with redirect_output(Path(os.devnull)):  # TensorFlow prints its build while loading, whatever its log level
        from plb_ablate.training.setup import set_up_tensorflow
    set_up_tensorflow(threads)


def train_cell(cell: Cell, ledger_root: Path) -> str:
    """Train a cell and write its result to the ledger.

    A result that is there is kept; a state that a killed process left is gone on from. An exception becomes the cell's
    ``error.txt``, its traceback goes to the cell's log.

    Returns
    -------
    str
        `DONE`, `ELSEWHERE` or `FAILED`.
    """
    entry = Ledger(ledger_root).entry(cell)
    with entry.claimed(cell.description) as mine:
        if not mine:
            return ELSEWHERE
        if entry.result.is_dir():
            entry.drop_leftovers()
            return DONE
        entry.clear_error()
        with redirect_output(entry.log):
            try:
                _train(cell, entry)
            except Exception as error:
                with suppress(OSError):  # where the disk is full, the log is not more than could be written
                    traceback.print_exc()
                entry.fail(reason(error))
                return FAILED
    return DONE


def reason(error: Exception) -> str:
    """Why a cell failed, with the way out where there is one."""
    said = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    if not isinstance(error, PlbError):  # other libraries' messages go over many lines; the log has them whole
        said = " ".join(said.split())[:300]
    text = f"{type(error).__name__}: {said}"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        text += ". Make room on the disk and run the same command again."
    return text


def _train(cell: Cell, entry: LedgerEntry) -> None:
    print(f"{time.strftime('%F %T')} training {cell.label} ({cell.id}) in process {os.getpid()}", flush=True)
    prepared = _corpus(cell.corpus_file)
    protocol = Protocol(**cell.settings["protocol"])
    fold = make_folds(prepared.corpus, protocol)[cell.fold]
    trainer = _trainer(len(cell.classes), cell.settings["ablation"], cell.settings["reverse"], *_frozen(cell))
    state = trainer.fit_fold(
        prepared.mfcc,
        prepared.corpus.labels,
        fold,
        protocol,
        cell.settings["seed"],
        resume=_last_state(entry),
        on_epoch=lambda state: _note_epoch(entry, state, cell),
    )
    with entry.writing_result() as folder:
        write_result(
            folder,
            cell,
            prepared,
            fold,
            state,
            trainer.parameters,
            trainer.trainable,
            lambda path: trainer.save_weights(state.weights, path),
        )


def _note_epoch(entry: LedgerEntry, state: TrainingState, cell: Cell) -> None:
    epochs = cell.settings["trainer"]["epochs"]
    curves = {name: values[-1] for name, values in state.history.items()}
    print(f"epoch {state.epoch}/{epochs} " + " ".join(f"{k}={v:.4f}" for k, v in curves.items()), flush=True)
    if state.epoch < epochs:
        state.save(entry.state_file)
    progress = {"epoch": state.epoch, "epochs": epochs, "seconds": state.seconds, "wa": curves["test/wa"]}
    entry.write("progress.json", progress | {"pid": os.getpid()})


def _last_state(entry: LedgerEntry) -> TrainingState | None:
    if not entry.state_file.exists():
        return None
    try:
        state = TrainingState.load(entry.state_file)
    except Exception as error:  # whatever a damaged file raises, the cell is trained from its start
        print(f"{entry.state_file} is damaged ({error}): training begins anew", flush=True)
        return None
    print(f"going on after epoch {state.epoch}", flush=True)
    return state


@lru_cache(maxsize=1)
def _corpus(file: Path) -> PreparedCorpus:
    return PreparedCorpus.load(file)


@lru_cache(maxsize=4)
def _trainer(num_classes: int, ablation: str, reverse: str, *trainer: tuple[str, Any]) -> "FoldTrainer":
    """The trainer of a variant: built and traced once for all of its folds and seeds."""
    from plb_ablate.training.trainer import FoldTrainer

    return FoldTrainer(num_classes, ablation, reverse, Trainer(**dict(trainer)))


def _frozen(cell: Cell) -> tuple[tuple[str, Any], ...]:
    return tuple(cell.settings["trainer"].items())
