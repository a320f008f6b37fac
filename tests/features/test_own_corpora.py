"""Own corpora on real recordings: EMO-DB read through a table is EMO-DB, and every format is read."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from plb_ablate.config.dataset import Dataset
from plb_ablate.config.protocol import Protocol
from plb_ablate.config.schema import Config, Trainer
from plb_ablate.core.errors import CorpusError
from plb_ablate.data.__main__ import main
from plb_ablate.data.corpora import emodb
from plb_ablate.data.corpus import Corpus
from plb_ablate.data.registry import read_corpus, read_dataset
from plb_ablate.features.corpus_check import check_corpus
from plb_ablate.features.dataset import PreparedCorpus, prepare
from plb_ablate.ledger.planner import Plan
from plb_ablate.models.family import Network
from plb_ablate.models.plb.family import PLB
from plb_ablate.splits.folds import make_folds

CLASSES = {name: [name] for name in emodb.CLASSES}


@pytest.fixture
def recordings(shared: Path) -> Path:
    root = shared / "data" / "emodb"
    if not root.is_dir():
        pytest.skip(f"the recordings are not at {root}")
    return root


def table_of(corpus: Corpus, file: Path, *columns: str, every: int = 1) -> Dataset:
    """Write the table of a corpus, and give the settings that read it."""
    rows = [
        {"path": path, "label": corpus.classes[u.label], "speaker": u.speaker, "gender": u.gender, "session": u.session}
        for path, u in zip(corpus.relative_paths, corpus.utterances, strict=True)
    ]
    pd.DataFrame(rows[::every])[["path", "label", *columns]].to_csv(file, index=False)
    classes = {name: [name] for name in corpus.classes}
    return Dataset("", str(corpus.root), reader="manifest", file=str(file), classes=classes)


def test_emodb_through_a_table_has_the_same_utterances_and_folds(recordings: Path, tmp_path: Path) -> None:
    own = read_corpus("emodb", recordings)
    read = read_dataset(table_of(own, tmp_path / "my.csv", "speaker"))
    assert len(read.utterances) == 535
    assert read.paths == own.paths
    assert read.classes == own.classes
    for values in ("labels", "speakers"):
        assert np.array_equal(getattr(read, values), getattr(own, values))
    for name in ("published", "nested", "speaker"):
        for ours, theirs in zip(make_folds(read, Protocol(name)), make_folds(own, Protocol(name)), strict=True):
            assert ours.index == theirs.index
            assert all(np.array_equal(getattr(ours, s), getattr(theirs, s)) for s in ("train", "validation", "test"))


@pytest.mark.slow
def test_emodb_through_a_table_gives_the_same_features_and_weights(recordings: Path, tmp_path: Path) -> None:
    """Three utterances of each class, an epoch, each with a cache of its own."""
    from plb_ablate.training.trainer import FoldTrainer

    part = tmp_path / "emodb" / "wav"
    part.mkdir(parents=True)
    whole = read_corpus("emodb", recordings)
    for label in range(7):
        for index in np.flatnonzero(whole.labels == label)[::20][:3]:
            (part / whole.paths[index].name).symlink_to(whole.paths[index])
    datasets = [Dataset("emodb", str(part.parent))]
    datasets.append(table_of(read_dataset(datasets[0]), tmp_path / "my.csv", "speaker"))
    trainer = FoldTrainer(Network(PLB, 7, (196, 39, 1)), Trainer("smoke", epochs=1, batch_size=10))
    states, features = [], []
    for dataset in datasets:
        prepared = prepare(dataset, tmp_path / f"cache of {dataset.name}", n_jobs=1, progress=False)
        fold = make_folds(prepared.corpus, Protocol(n_splits=21))[0]
        states.append(trainer.fit_fold(prepared.features, prepared.corpus.labels, fold, Protocol(n_splits=21), 42))
        features.append(prepared.features)
    assert features[0].shape == (21, 196, 39)
    assert np.array_equal(features[0], features[1])
    first, second = states
    assert first.history == second.history
    assert first.weights.keys() == second.weights.keys()
    assert all(np.array_equal(weight, second.weights[name]) for name, weight in first.weights.items())
    assert np.array_equal(first.probabilities["best_test"], second.probabilities["best_test"])


FORMATS = {
    "plain.wav": ("WAV", "PCM_16", 16_000, 1),
    "aiff.wav": ("AIFF", "PCM_16", 44_100, 1),
    "stereo.wav": ("WAV", "PCM_24", 48_000, 2),
    "rate.wav": ("WAV", "FLOAT", 24_414, 1),
    "high.wav": ("WAV", "PCM_16", 96_000, 1),
    "a.flac": ("FLAC", "PCM_16", 22_050, 1),
    "b.ogg": ("OGG", "VORBIS", 16_000, 2),
    "c.mp3": ("MP3", "MPEG_LAYER_III", 16_000, 1),
    "d.wav": ("OGG", "OPUS", 48_000, 1),
    "e.au": ("AU", "ULAW", 8_000, 1),
}
"""Container, coding, sampling rate in Hz and channels of a file, whatever its ending says."""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of recordings in every format: two labels with all of them, a second of a tone each."""
    root = tmp_path_factory.mktemp("mixed") / "speech"
    for number, label in enumerate(("low", "high")):
        for name, (container, coding, rate, channels) in FORMATS.items():
            tone = 0.3 * np.sin(np.arange(rate) * (0.02 + 0.1 * number) * 16_000 / rate)
            path = root / label / "deep" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.stack([tone, tone / 2][:channels], axis=1), rate, coding, format=container)
    return root


def test_every_format_is_read_whatever_its_ending(mixed: Path, tmp_path: Path) -> None:
    dataset = Dataset("", str(mixed), reader="folders")
    prepared = prepare(dataset, tmp_path / "cache", n_jobs=1, progress=False)
    assert prepared.remarks == []
    names = [path.rpartition("/")[2] for path in prepared.corpus.relative_paths]
    plain = prepared.features[names.index("plain.wav")]
    for name, features in zip(names[: len(FORMATS)], prepared.features[: len(FORMATS)], strict=True):
        quiet = 2 if FORMATS[name][3] == 2 else 1  # the mean of two channels is quieter: the first coefficient only
        tone = np.abs(features[2:30, 1:6] - plain[2:30, 1:6]).mean()
        assert tone < 25 * quiet, f"{name} sounds otherwise: {tone}"
    found = check_corpus(prepared.corpus, progress=False)
    assert (found.unusable, found.differences, found.source) == ({}, [], "")
    assert dict(found.rates) == {16_000: 6, 22_050: 2, 24_414: 2, 44_100: 2, 48_000: 4, 96_000: 2, 8_000: 2}
    assert dict(found.channels) == {1: 16, 2: 4}
    assert found.utterances.published is None


def test_a_check_says_what_it_can_without_published_counts(
    mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ("check", "folders", "--root", str(mixed), "--name", "tones")
    assert main(folders) == 0
    said = capsys.readouterr().out
    assert f"tones in {mixed}\n" in said
    assert "Speakers are unknown." in said
    assert "Every recording can be used. No counts are published." in said
    assert main([*folders, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["classes"] == {name: {"published": None, "here": 10} for name in ("high", "low")}
    assert found["seconds"]["total"] == pytest.approx(20, abs=0.2)

    lines = [
        "path,label,speaker",
        *(f"{label}/deep/{name},{label},{name[0]}" for label in ("low", "high") for name in FORMATS),
    ]
    (tmp_path / "my.csv").write_text("\n".join([*lines, "cut.wav,cut,x", "cut2.wav,cut,x"]))
    manifest = ["check", "manifest", "--file", str(tmp_path / "my.csv"), "--root", str(mixed)]
    for name in ("cut.wav", "cut2.wav"):
        (mixed / name).write_bytes((mixed / "low" / "deep" / "plain.wav").read_bytes()[:900])
    assert main([*manifest, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert set(found["unusable"]) == {"cut.wav", "cut2.wav"}
    assert found["speakers"]["r"]["here"] == 2
    assert main([*manifest, "--classes", "{quiet:[low],loud:[high]}", "--ignore-other-labels"]) == 0
    said = capsys.readouterr().out
    assert "2 of 22 recordings left out, whose labels are not in dataset.classes: cut (2)" in " ".join(said.split())


def test_options_of_own_corpora_are_refused_for_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "emodb", "--file", "my.csv"]) == 2
    assert "dataset.file has no effect with dataset=emodb" in capsys.readouterr().err


def test_a_saved_own_corpus_has_what_workers_need(recordings: Path, tmp_path: Path) -> None:
    corpus = read_dataset(table_of(read_corpus("emodb", recordings), tmp_path / "my.csv", "speaker", "gender", every=9))
    prepared = PreparedCorpus(
        corpus, np.empty((0, 196, 39), np.float32), tuple(f"{n:064x}" for n in range(len(corpus.utterances)))
    )
    loaded = PreparedCorpus.load(prepared.save(tmp_path / "saved"))
    assert (loaded.content, loaded.corpus.grouping) == (prepared.content, "gender")
    assert loaded.corpus.utterances == corpus.utterances
    for ours, theirs in zip(
        *(make_folds(each.corpus, Protocol("speaker")) for each in (loaded, prepared)), strict=True
    ):
        assert np.array_equal(ours.test, theirs.test)


def test_what_decides_the_folds_of_an_own_corpus_is_in_its_content(recordings: Path, tmp_path: Path) -> None:
    own = read_corpus("emodb", recordings)
    contents = []
    for columns in (("speaker",), ("speaker", "session"), ("speaker", "gender"), ()):
        corpus = read_dataset(table_of(own, tmp_path / "my.csv", *columns, every=9))
        digests = tuple(f"{number:064x}" for number in range(len(corpus.utterances)))
        contents.append(PreparedCorpus(corpus, np.empty((0, 196, 39), np.float32), digests).content)
    assert len(set(contents)) == 4


def test_what_a_protocol_lacks_is_told_before_features_are_extracted(mixed: Path, tmp_path: Path) -> None:
    settings = Dataset("", str(mixed), reader="folders")
    for name in ("speaker", "predefined"):
        config = Config(settings, Protocol(name), cache=str(tmp_path / "cache"), ledger=str(tmp_path / "ledger"))
        with pytest.raises(CorpusError, match=f"protocol={name} needs"):
            Plan().cells(config)
    assert not (tmp_path / "cache").exists()
