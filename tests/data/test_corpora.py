from pathlib import Path

import pytest

from plb_ablate.core.errors import ConfigError, CorpusError
from plb_ablate.data.registry import READERS, read_corpus


def test_readers() -> None:
    assert set(READERS) == {"emodb", "ravdess", "iemocap", "synthetic"}
    assert {name: len(reader.CLASSES) for name, reader in READERS.items()} == {
        "emodb": 7,
        "ravdess": 8,
        "iemocap": 4,
        "synthetic": 4,
    }


def test_unknown_corpus() -> None:
    with pytest.raises(ConfigError, match=r"dataset=emo-db is unknown. Use one of emodb, ravdess, iemocap, synthetic"):
        read_corpus("emo-db", Path())


def test_a_corpus_that_is_read_as_it_was_made_needs_no_note(small_corpus: Path) -> None:
    assert read_corpus("synthetic", small_corpus).notes == ()


def test_root_may_be_text(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        read_corpus("emodb", str(tmp_path / "nowhere"))
