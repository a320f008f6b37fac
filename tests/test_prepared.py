"""What a corpus's content hash, and with it the id of every cell, depends on."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from plb_ablate.cells import Cell, plan_cells
from plb_ablate.config import Config, Dataset
from plb_ablate.data import read_corpus
from plb_ablate.data.utterance import Corpus
from plb_ablate.prepared import PreparedCorpus

HELD = {
    "synthetic": ("78523762a0c7fa61646da3962e61a3e4496af33d4e68fb31ba257e8e6fcc1598", "30b79f5a9cfd9ede5f4a"),
    "emodb": ("965dcec7d651fa7a7d16f617a0e5c063fd9b82ef9c470bb375cfffc312f34823", "eb9344c607219f3adcc6"),
}
"""Content hash and id of fold 0 under the defaults: results on disk go by them until `RESULT_VERSION` rises."""


def prepared_from(corpus: Corpus, digests: list[str]) -> PreparedCorpus:
    return PreparedCorpus(corpus, np.empty((0, 196, 39), np.float32), tuple(digests))


def numbered(corpus: Corpus) -> PreparedCorpus:
    """A corpus whose recordings have a digest each that no processor's rounding decides."""
    return prepared_from(corpus, [f"{number:064x}" for number in range(len(corpus.utterances))])


def first_cell(prepared: PreparedCorpus) -> Cell:
    config = Config(dataset=Dataset(prepared.corpus.name, "anywhere"))
    return plan_cells(config, prepared, Path("corpus.npz"))[0]


def test_ids_of_the_synthetic_corpus_are_held(small_corpus: Path) -> None:
    prepared = numbered(read_corpus("synthetic", small_corpus))
    assert (prepared.content, first_cell(prepared).id) == HELD["synthetic"]


def test_ids_of_emodb_are_held(shared: Path) -> None:
    root = shared / "data" / "emodb"
    if not root.is_dir():
        pytest.skip(f"the recordings are not at {root}")
    corpus = read_corpus("emodb", root)
    prepared = prepared_from(corpus, [hashlib.sha256(path.read_bytes()).hexdigest() for path in corpus.paths])
    assert (prepared.content, first_cell(prepared).id) == HELD["emodb"]
