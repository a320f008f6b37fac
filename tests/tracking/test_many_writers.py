"""A proof that takes minutes: many processes write to one store at once."""

import multiprocessing
import sqlite3
import time
from pathlib import Path

import pytest

from plb_ablate.ledger.store import Ledger
from plb_ablate.tracking.mlflow_writer import Tracker
from tests.results_helper import a_config, finish, planned

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def write_cells(number: int, root: Path, folder: Path) -> None:
    """One of many writers: finish 50 cells, and upload each at once."""
    ledger, left = Ledger(folder / f"ledger{number}"), 50
    for seed in range(1000 * number, 1000 * number + 17):
        config = a_config(root, folder, seed=seed)
        prepared, planned_cells = planned(config)
        for cell in planned_cells[: min(left, 3)]:
            Tracker(config.tracking, ledger).upload(finish(ledger, cell, prepared, seed=seed))
            left -= 1


def test_eight_writers_of_fifty_cells_on_one_sqlite_store_lose_and_double_nothing(
    tmp_path: Path, small_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planned(config := a_config(small_corpus, tmp_path))
    Tracker(config.tracking, Ledger(tmp_path / "ledger"))
    spawn, began = multiprocessing.get_context("spawn"), time.monotonic()
    writers = [spawn.Process(target=write_cells, args=(number, small_corpus, tmp_path)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    print(f"400 cells by 8 writers in {time.monotonic() - began:.0f} s")
    assert [writer.exitcode for writer in writers] == [0] * 8
    delivered = {file.parent.parent.name: file.read_text().strip() for file in tmp_path.glob("ledger*/*/delivered/*")}
    assert len(delivered) == 400
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        rows = store.execute(
            "SELECT t.value, r.run_uuid, r.status, "
            "(SELECT count(*) FROM latest_metrics m WHERE m.run_uuid = r.run_uuid) "
            "FROM runs r JOIN tags t USING (run_uuid) WHERE t.key = 'cell' AND r.lifecycle_stage = 'active'"
        ).fetchall()
        parents = store.execute("SELECT count(*) FROM tags WHERE key = 'level' AND value = 'config'").fetchone()[0]
    assert {cell: run for cell, run, *_ in rows} == delivered
    assert len(rows) == 400
    assert {status for _, _, status, _ in rows} == {"FINISHED"}
    assert len({count for *_, count in rows}) == 1, "each run has every metric"
    assert parents == 8 * 17
