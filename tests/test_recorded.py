"""What was written before modules moved stays valid: cell ids, a prepared corpus, an exported model."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schema import Config, Dataset, Trainer
from plb_ablate.features.dataset import PreparedCorpus
from plb_ablate.ledger.cells import plan_cells
from plb_ablate.models.inspection import named_weights
from plb_ablate.models.plb.network import build_model

RECORDED = Path(__file__).parent / "recorded"
CORPUS = RECORDED / "prepared_corpus.npz"
DATASET, PROTOCOL = Dataset("synthetic", "/corpus"), Protocol("published", n_splits=4)


def test_a_prepared_corpus_is_read() -> None:
    prepared = PreparedCorpus.load(CORPUS)
    assert prepared.features.shape == (24, 196, 39)
    assert prepared.content == "ca572694aac16bb8032b0be54f6eae54234da358607dbae93fd166ba69b036b9"
    assert prepared.corpus.classes == ("anger", "happiness", "neutral", "sadness")
    assert sorted(set(prepared.corpus.speakers.tolist())) == ["01", "02"]


@pytest.mark.parametrize(
    ("config", "id"),
    [
        (Config(DATASET, PROTOCOL), "18af6e5197c0455c6008"),
        (Config(DATASET, PROTOCOL, ablation="sa+cbam", seed=7), "dcfa9a2317345aa63bbb"),
        (
            Config(DATASET, PROTOCOL, Trainer("demo", epochs=6, batch_size=8), ablation="routing", threads=2),
            "05a86a6eca8f872f1096",
        ),
    ],
)
def test_cells_keep_their_ids(config: Config, id: str) -> None:
    cell, *others = plan_cells(config, PreparedCorpus.load(CORPUS), CORPUS)
    assert cell.id == id
    assert len(others) == 3


def test_an_exported_keras_file_is_loaded(tmp_path: Path) -> None:
    """Its configuration was recorded; the weights, which name no module, are written anew."""
    model = build_model(4)
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        for name in new.namelist():
            old.writestr(
                name, (RECORDED / "keras_config.json").read_text() if name == "config.json" else new.read(name)
            )
    loaded = keras.saving.load_model(tmp_path / "old.keras")
    assert "plb_ablate.layers.cbam" in json.dumps(json.loads((RECORDED / "keras_config.json").read_text()))
    assert all(np.array_equal(named_weights(loaded)[name], weight) for name, weight in named_weights(model).items())
