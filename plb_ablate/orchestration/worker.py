"""A worker process: trains one cell after another, each with its own log, and resumes interrupted ones."""

import json
import os
import re
import time
import traceback
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schema import Config
from plb_ablate.config.trainer import Trainer
from plb_ablate.core.errors import NO_ROOM, PlbError
from plb_ablate.core.left_out_imports import leaving_out
from plb_ablate.core.output_redirection import redirect_output
from plb_ablate.core.signals import end_with
from plb_ablate.features.dataset import PreparedCorpus
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.results import write_result
from plb_ablate.ledger.store import Ledger, LedgerEntry
from plb_ablate.models.family import Shape
from plb_ablate.models.registry import network_of_settings
from plb_ablate.splits.folds import make_folds
from plb_ablate.training.checkpoint import TrainingState

if TYPE_CHECKING:
    from plb_ablate.training.trainer import FoldTrainer

__all__ = ["DONE", "ELSEWHERE", "FAILED", "WorkerSetup", "environment", "reason", "start_worker", "train_cell"]

DONE, ELSEWHERE, FAILED = "done", "elsewhere", "failed"
"""Outcomes of `train_cell`: trained now or before; being trained by another process; failed."""

_UNUSED = ("pandas", "sklearn", "matplotlib")
"""Packages that Keras imports if they are installed, 150 MB, and that no training uses."""


class WorkerSetup(NamedTuple):
    """How a worker uses the machine; the arguments of `plb_ablate.training.setup.set_up_tensorflow`."""

    threads: int
    device: str
    deterministic: bool

    @classmethod
    def of(cls, config: Config) -> "WorkerSetup":
        """Return the setup that a configuration asks for."""
        return cls(config.threads, config.device, config.deterministic)


def environment(threads: int) -> dict[str, str]:
    """Return the environment variables with which a worker is started; ``MALLOC_ARENA_MAX`` of the user is kept.

    With one heap for all of its threads (glibc) a worker takes 30 MB less.
    """
    arenas = os.environ.get("MALLOC_ARENA_MAX", "1")
    return {"OMP_NUM_THREADS": str(threads), "TF_CPP_MIN_LOG_LEVEL": "3", "MALLOC_ARENA_MAX": arenas}


def start_worker(setup: WorkerSetup, parent: int) -> None:
    """Prepare a new process: TensorFlow on its threads and device; the process ends when its parent ends."""
    end_with(parent)
    with (
        redirect_output(Path(os.devnull)),
        leaving_out(*_UNUSED),
    ):  # TensorFlow prints while loading, whatever its log level
        from plb_ablate.training.setup import set_up_tensorflow
    set_up_tensorflow(setup.threads, setup.device, deterministic=setup.deterministic)


def train_cell(cell: Cell, ledger_root: Path) -> str:
    """Train a cell and write its result to the ledger.

    An existing result is kept; an interrupted training resumes from its checkpoint. An exception is recorded in the
    cell's ``error.txt``, its traceback in the cell's log.

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
                with suppress(OSError):  # if the disk is full, the log stays incomplete
                    traceback.print_exc()
                entry.fail(reason(error))
                return FAILED
    return DONE


def reason(error: Exception) -> str:
    """Describe why a cell failed, and what to do about it if that is known."""
    message = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    if not isinstance(error, PlbError):  # messages of libraries can be long; the log has the full text
        message = " ".join(message.split())[:300]
    text = f"{type(error).__name__}: {message}"
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        text += ". Free disk space and run the same command again."
    if "eterminis" in message and not isinstance(error, PlbError):
        text += " (see the log). deterministic=false allows kernels without a deterministic version; or use device=cpu."
    return text


def _train(cell: Cell, entry: LedgerEntry) -> None:
    print(f"{time.strftime('%F %T')} training {cell.label} ({cell.id}) in process {os.getpid()}", flush=True)
    prepared = _corpus(cell.corpus_file)
    protocol = Protocol(**cell.settings["protocol"])
    fold = cell.split or make_folds(prepared.corpus, protocol)[cell.fold]
    trainer = _trainer(cell.variant, len(cell.classes), prepared.input_shape, cell.model_file)
    state = trainer.fit_fold(
        prepared.features,
        prepared.corpus.labels,
        fold,
        protocol,
        cell.settings["seed"],
        resume=_last_state(entry),
        on_epoch=lambda state: _record_epoch(entry, state, cell),
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


def _record_epoch(entry: LedgerEntry, state: TrainingState, cell: Cell) -> None:
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
        if broken := state.not_finite:
            raise ValueError(f"{', '.join(broken)} not finite")
    except Exception as error:  # train from the start
        print(f"{entry.state_file} is damaged ({error}): training starts again", flush=True)
        return None
    print(f"resuming after epoch {state.epoch}", flush=True)
    return state


@lru_cache(maxsize=1)
def _corpus(file: Path) -> PreparedCorpus:
    return PreparedCorpus.load(file)


@lru_cache(maxsize=4)
def _trainer(variant: str, num_classes: int, input_shape: Shape, model_file: Path | None) -> "FoldTrainer":
    """Return the trainer of a variant, built and traced once for all of its folds and seeds."""
    from plb_ablate.training.trainer import FoldTrainer

    settings = json.loads(variant)
    network = network_of_settings(settings, num_classes, input_shape, model_file)
    return FoldTrainer(network, Trainer(**settings["trainer"]))
