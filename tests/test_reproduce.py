"""The check of fidelity as a command: what it refuses, what it trains, what it prints."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from plb_ablate import reproduce
from plb_ablate.config.schema import Config, result_settings
from plb_ablate.core.errors import CellError
from plb_ablate.ledger.cells import Cell
from plb_ablate.ledger.store import Ledger
from tests.conftest import CommandLine
from tests.published.test_curves import like_published


def planned(configs: Sequence[Config]) -> list[Cell]:
    """Cells as `reproduce` would plan them, of a corpus that is not read."""
    return [
        Cell(result_settings(config) | {"content": "x"}, fold, 10, ("a",), Path())
        for config in configs
        for fold in range(10)
        if config.fold in (None, fold)
    ]


def keep(ledger: Path, ablation: str, *, epochs: int = 20, shift: float = 0.0) -> None:
    """Put ten finished trainings like the published ones into a ledger."""
    (config,) = reproduce._configs(["dataset=emodb", f"ablation={ablation}", f"trainer.epochs={epochs}"])
    for cell, curves in zip(
        planned([config]), like_published("emodb", ablation, epochs=epochs, shift=shift), strict=True
    ):
        entry = Ledger(ledger).entry(cell)
        with entry.claimed(cell.description) as mine, entry.writing_result() as folder:
            assert mine
            with (folder / "history.csv").open("w", newline="") as file:
                table = csv.writer(file)
                table.writerow(["epoch", *curves])
                table.writerows(zip(range(epochs), *curves.values(), strict=True))


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproduce, "_cells", planned)
    return tmp_path / "ledger"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([], "name the corpus: dataset=emodb or dataset=ravdess"),
        (["dataset=iemocap"], "dataset=iemocap has no published learning curves. Use emodb or ravdess"),
        (["dataset=synthetic"], "Use emodb or ravdess"),
        (["dataset=ravdess", "ablation=none"], "ablation=none has no published curves of ravdess. Use dwscnn"),
        (["dataset=emodb", "ablation=cbam+sa"], "ablation=cbam+sa has no published curves"),
        (["dataset=emodb", "ablation=cbmm"], "ablation=cbmm is unknown"),
        (["dataset=emodb", "protocol=nested"], "protocol=nested with its settings is not the published training"),
        (["dataset=emodb", "trainer=demo"], "trainer=demo with its settings is not the published training"),
        (["dataset=emodb", "trainer.batch_size=8"], "trainer=published with its settings is not the published"),
        (["dataset=emodb", "reverse=time"], "reverse=time is not the published training"),
        (["dataset=emodb", "trainer.loss=focal"], "trainer=published with its settings is not the published"),
        (["dataset=emodb", "model=light_sernet", "ablation=none"], "model=light_sernet is not the published training"),
        (["dataset=emodb", "features=logmel"], "features=logmel with its settings is not the published training"),
        (["dataset=emodb", "dataset.root=nowhere"], "nowhere"),
    ],
)
def test_what_is_not_the_published_training_is_refused_before_any_work(
    settings: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert reproduce.main(settings) == 2
    assert words in capsys.readouterr().err


def test_part_of_a_corpus_is_refused(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "emodb" / "wav"
    root.mkdir(parents=True)
    for file in sorted((shared / "data" / "emodb" / "wav").glob("*.wav"))[:60]:
        shutil.copy(file, root)
    assert reproduce.main(["dataset=emodb", f"dataset.root={root.parent}"]) == 2
    assert "holds 60 of 535 utterances of emodb: its folds are not the published ones" in capsys.readouterr().err


def test_the_tables_come_from_the_ledger_and_the_exit_code_from_the_band(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(ledger, "none")
    assert reproduce.main(["dataset=emodb", "ablation=none"]) == 0
    said = capsys.readouterr().out
    assert "1 of 1 variants train like the published ones." in said
    assert "|proposed|10|20|none of 20|none of 20|none of 20|yes|" in said
    keep(ledger, "sa", shift=0.05)
    assert reproduce.main(["dataset=emodb", "ablation=none,sa", "--figure", "curves/emodb.png"]) == 1
    assert "1 of 2 variants train like the published ones." in capsys.readouterr().out
    assert Path("curves/emodb.png").stat().st_size > 10_000


def test_json_has_every_number(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(ledger, "none")
    assert reproduce.main(["dataset=emodb", "ablation=none", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["ablation"], found["answer"], found["folds"]) == ("none", "yes", 10)
    assert [judged["epoch"] for judged in found["judged"]] == [5, 10, 15, 20]
    assert found["judged"][0]["ours"] == pytest.approx(found["judged"][0]["published"])


def test_a_longer_training_serves_a_shorter_check(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(ledger, "none", epochs=20)
    assert reproduce.main(["dataset=emodb", "ablation=none", "trainer.epochs=10", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["epochs"], [judged["epoch"] for judged in found["judged"]]) == (10, [5, 10])


def test_only_what_is_lacking_is_trained(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Any]] = []

    def sweep(configs: Sequence[Config]) -> None:
        asked.extend((config.ablation, config.fold) for config in configs)
        raise CellError("none of them was trained")

    monkeypatch.setattr(reproduce, "Sweep", sweep)
    keep(ledger, "none", epochs=10)
    keep(ledger, "sa")
    assert reproduce.main(["dataset=emodb", "ablation=none,sa", "fold=0,3"]) == CellError.exit_code
    assert asked == [("none", 0), ("none", 3)]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_check_trains_resumes_and_draws(shared: Path, commands: CommandLine) -> None:
    """On the real corpus: five epochs of one fold are too few to confirm anything, and are not trained twice."""
    root = shared / "data" / "emodb"
    settings = ("dataset=emodb", f"dataset.root={root}", "ablation=dwscnn", "fold=0", "threads=2", "trainer.epochs=5")
    first = commands.run(*settings, "--json", module="plb_ablate.reproduce", timeout=600)
    assert first.returncode == 0, first.stderr
    (found,) = json.loads(first.stdout)
    assert (found["answer"], found["folds"], found["epochs"]) == ("not decidable", 1, 5)
    assert found["judged"][0]["ours"] == pytest.approx(found["judged"][0]["published"], abs=0.05)
    again = commands.run(*settings, module="plb_ablate.reproduce")
    assert again.returncode == 0, again.stderr
    assert "to train" not in again.stderr
    assert "inside the band, but only 1 of at least 3 folds" in again.stdout
