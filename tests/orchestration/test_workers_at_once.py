"""How many workers a machine starts; its cores and memory are said here."""

import pytest

from plb_ablate.config.schema import Config, Trainer
from plb_ablate.orchestration import workers_at_once as module
from plb_ablate.orchestration.workers_at_once import AtOnce, at_once, worker_memory


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight cores, one GPU and 4 GB."""
    monkeypatch.setattr(module, "available_cores", lambda: 8)
    monkeypatch.setattr(module, "count_gpus", lambda: 1)
    monkeypatch.setattr(module, "_free_at_first", lambda: 4 * 10**9)


def test_memory_makes_them_fewer_and_the_note_says_how_to_choose() -> None:
    workers, note = at_once(Config(trainer=Trainer(batch_size=32)))
    assert workers == 3
    for words in ("3 of 8", "a core", "4.0 GB", "1.2 GB", "trainer.batch_size", "n_jobs=8"):
        assert words in note


def test_small_batches_take_less() -> None:
    small, large = (Config(trainer=Trainer(batch_size=size)) for size in (8, 64))
    assert at_once(small).workers == 4
    assert at_once(large).workers == 2
    assert worker_memory(small) < worker_memory(large)


@pytest.mark.parametrize(("n_jobs", "cells", "expected"), [(8, None, 8), (8, 5, 5), (1, None, 1)])
def test_what_a_user_chooses_is_started(n_jobs: int, cells: int | None, expected: int) -> None:
    assert at_once(Config(n_jobs=n_jobs), cells) == AtOnce(expected)


def test_enough_memory_needs_no_note() -> None:
    assert at_once(Config(), cells=3) == AtOnce(3)
    assert at_once(Config(device="gpu")) == AtOnce(1)


def test_one_is_started_whatever_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_free_at_first", lambda: 10**6)
    workers, note = at_once(Config())
    assert workers == 1
    assert "1 of 8" in note
    assert at_once(Config(), cells=0).workers == 1
