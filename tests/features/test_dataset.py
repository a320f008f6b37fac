"""What a corpus's content hash, and with it the id of every cell, depends on."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from plb_ablate.config.features import FeatureSettings
from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schema import Config, Dataset
from plb_ablate.core.errors import ConfigError
from plb_ablate.data.corpus import Corpus, Utterance
from plb_ablate.data.registry import READERS, read_corpus
from plb_ablate.features.dataset import PreparedCorpus, prepare
from plb_ablate.ledger.cells import Cell, plan_cells
from plb_ablate.ledger.planner import Plan
from plb_ablate.ledger.store import Ledger
from plb_ablate.splits.folds import make_folds
from tests.data.test_ravdess import make
from tests.results_helper import a_config

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


def spoken_by(genders: Mapping[str, str], name: str) -> Corpus:
    """A corpus in which each speaker says two classes twice."""
    root = Path("/corpus")
    utterances = [
        Utterance(root / speaker / f"{label}-{number}.wav", label, speaker, speaker, gender)
        for speaker, gender in genders.items()
        for label in range(2)
        for number in range(2)
    ]
    reader = READERS.get(name)
    corpus = Corpus(name, root, ("calm", "excited"), tuple(utterances), grouping="gender")
    return replace(corpus, reference=reader.REFERENCE_COUNTS) if reader else corpus


@pytest.mark.parametrize("name", READERS)
def test_a_published_gender_says_no_more_than_its_speaker_and_any_other_does(name: str) -> None:
    reference = READERS[name].REFERENCE_COUNTS
    assert set(reference.genders) == set(reference.speakers)
    first = next(iter(reference.genders))
    other = {"F": "M", "M": "F"}[reference.genders[first]]
    hashes = {
        numbered(spoken_by(dict(reference.genders) | changed, name)).content
        for changed in ({}, {first: other}, {first: ""}, dict.fromkeys(reference.genders, ""))
    }
    assert len(hashes) == 4


def test_genders_that_only_a_folder_says_decide_folds_and_are_hashed() -> None:
    """Two corpora of the same recordings whose speakers are grouped differently are two corpora."""
    genders = dict(zip("abcdef", "FMFMFM", strict=True))
    known, swapped = genders, genders | {"a": "M", "b": "F", "d": "F", "e": "M"}
    folds = [
        [fold.test.tolist() for fold in make_folds(spoken_by(said, "synthetic"), Protocol("speaker"))]
        for said in (known, swapped)
    ]
    assert folds[0] != folds[1]
    prepared = [numbered(spoken_by(said, "of_a_folder")) for said in (known, swapped)]
    assert prepared[0].content != prepared[1].content
    assert prepared[0].content == numbered(spoken_by(known, "of_a_folder")).content
    assert first_cell(prepared[0]).id != first_cell(prepared[1]).id


def test_a_saved_corpus_keeps_its_content(tmp_path: Path) -> None:
    prepared = numbered(spoken_by({"a": "F", "b": "M", "c": ""}, "of_a_folder"))
    assert PreparedCorpus.load(prepared.save(tmp_path)).content == prepared.content


OTHER = [
    FeatureSettings(**setting)  # type: ignore[arg-type]
    for setting in (
        {"sample_rate": 16_000},
        {"target_length": 90_000},
        {"n_mfcc": 38},
        {"hop_length": 256},
        {"n_fft": 1_024},
        {"n_mels": 64},
        {"name": "logmel", "n_mfcc": None},
        {"name": "logmel", "n_mfcc": None, "n_mels": 40},
    )
]


def test_each_other_setting_of_the_features_gives_other_ids_and_is_told() -> None:
    usual = numbered(spoken_by({"a": "F", "b": "M", "c": ""}, "of_a_folder"))
    cells = [first_cell(usual)]
    assert "features" not in cells[0].description
    for settings in OTHER:
        config = Config(dataset=Dataset("of_a_folder", "anywhere"), features=settings)
        (cell, *_) = plan_cells(config, replace(usual, settings=settings), Path("corpus.npz"))
        assert cell.description["features"] == asdict(settings)
        assert settings.label in cell.label
        cells.append(cell)
    for name in ("id", "config_hash"):
        assert len({getattr(cell, name) for cell in cells}) == 1 + len(OTHER)
    assert len({cell.settings["content"] for cell in cells}) == 1 + len(OTHER)


def test_a_saved_corpus_says_what_its_features_are(small_corpus: Path, tmp_path: Path) -> None:
    settings, corpus = OTHER[-1], Dataset("synthetic", str(small_corpus))
    prepared = prepare(corpus, tmp_path / "cache", features=settings, n_jobs=1, progress=False)
    assert prepared.features.shape == (24, 196, 40)
    loaded = PreparedCorpus.load(prepared.save(tmp_path))
    assert (loaded.settings, loaded.content) == (settings, prepared.content)
    assert loaded.features.tobytes() == prepared.features.tobytes()


def test_a_plan_reads_a_corpus_once_for_each_kind_of_features(small_corpus: Path, tmp_path: Path) -> None:
    configs = [a_config(small_corpus, tmp_path, features=settings) for settings in (FeatureSettings(), OTHER[-1])]
    plan = Plan()
    assert len({cell.id for cell in plan.cells(*configs)}) == 6
    assert [plan.corpus(config).features.shape[1:] for config in configs] == [(196, 39), (196, 40)]
    small = a_config(tmp_path / "absent", tmp_path, features=FeatureSettings(n_mfcc=20))
    with pytest.raises(ConfigError, match=r"196 frames x 20 .* needs 30 x 30 or more"):
        plan.cells(small)


EARLIER = "0e3fd6f657b71181ac65324e0b10b29e2342ce7a578d22fd7a4117e08993b1ce"
"""Content hash, in earlier versions, of two recordings in the folder of the official archive."""


def test_cells_of_a_corpus_in_the_folder_of_its_archive_are_found_again(tmp_path: Path) -> None:
    """Earlier versions hashed that folder too; a ledger of theirs stays valid, a new one has the official hash."""
    names = [f"03-01-06-01-02-01-{actor:02d}.wav" for actor in (7, 12)]
    for number, name in enumerate(names):
        for root in (tmp_path / "plain", tmp_path / "root" / "Audio_Speech_Actors_01-24"):
            file = make(root, name) / f"Actor_{name[-6:-4]}" / name
            soundfile.write(file, np.random.default_rng(number).standard_normal(2048) / 9, 48_000)
    corpora = (read_corpus("ravdess", tmp_path / name) for name in ("plain", "root"))
    plain, deeper = (numbered(corpus) for corpus in corpora)
    assert plain.content == plain.as_earlier().content == deeper.content
    assert deeper.as_earlier().content == EARLIER

    config = Config(dataset=Dataset("ravdess", str(tmp_path / "root")), protocol=Protocol(n_splits=2))
    config.ledger, config.cache = str(tmp_path / "ledger"), str(tmp_path / "cache")
    prepared = Plan().corpus(config)
    earlier = prepared.as_earlier().content
    assert earlier != prepared.content
    ledger = Ledger(Path(config.ledger))
    for content, found in ((earlier, earlier), (prepared.content, prepared.content)):
        with ledger.entry(content[:20]).claimed({"content": content}):
            assert Plan().corpus(config).content == found
