import subprocess
import sys
import wave
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from plb_ablate.core.errors import ConfigError, CorpusError
from plb_ablate.data.registry import Corpus, read_corpus
from plb_ablate.data.synthetic import corpus as synthetic
from plb_ablate.data.synthetic.speakers import EMOTIONS, SENTENCES, SPEAKERS, perform
from plb_ablate.features.extraction import extract


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return read_corpus("synthetic", tmp_path_factory.mktemp("corpus") / "synthetic")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    root = tmp_path / "small"
    synthetic.generate(root, speakers=2, sentences=1)
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_decode() -> None:
    assert synthetic.decode("02-sadness-06.wav") == (3, "02", "M", "06")
    assert synthetic.CLASSES == ("anger", "happiness", "neutral", "sadness")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("01-joy-01.wav", ["emotion 'joy'", "anger, happiness, neutral, sadness"]),
        ("09-anger-01.wav", ["speaker '09'", "01, 02, 03, 04, 05, 06"]),
        ("01-anger-07.wav", ["sentence '07'"]),
        ("anger.wav", ["like 01-anger-03.wav"]),
    ],
)
def test_undecodable_names(name: str, said: list[str]) -> None:
    with pytest.raises(CorpusError) as caught:
        synthetic.decode(name)
    assert all(part in str(caught.value) for part in [name, *said])


def test_order_classes_speakers(corpus: Corpus) -> None:
    assert corpus.relative_paths == tuple(
        f"Speaker_{speaker}/{speaker}-{emotion}-{sentence}.wav"
        for speaker in SPEAKERS
        for emotion in EMOTIONS
        for sentence in SENTENCES
    )
    assert Counter(corpus.labels.tolist()) == dict.fromkeys(range(4), 36)
    assert Counter(utterance.gender for utterance in corpus.utterances) == {"F": 72, "M": 72}
    assert all(utterance.session == utterance.speaker for utterance in corpus.utterances)


def test_recordings_are_speech_length_wav_files(corpus: Corpus) -> None:
    seconds = []
    for path in corpus.paths:
        with wave.open(str(path)) as file:
            assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (16_000, 2, 1)
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768
        assert 0.003 < np.sqrt(np.mean(samples**2)) < 0.3
        assert np.mean(np.abs(samples) > 0.999) < 0.001
        seconds.append(len(samples) / 16_000)
    assert 1.2 < min(seconds) < 1.8
    assert 4.6 < max(seconds) < 5.5
    assert 3 <= sum(length > 100_000 / 22_050 for length in seconds) <= 15


def test_same_bytes_in_another_process(small: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    command = (
        "from plb_ablate.data.synthetic import corpus\n"
        f"corpus.generate(corpus.Path({str(other)!r}), speakers=2, sentences=1)"
    )
    subprocess.run([sys.executable, "-c", command], check=True)
    assert contents(other) == contents(small)
    assert len(contents(small)) == 2 * 4 + 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_every_utterance_differs(corpus: Corpus) -> None:
    assert len({path.read_bytes() for path in corpus.paths}) == 144


def test_emotions_differ_as_described() -> None:
    def level(emotion: str) -> float:
        return float(np.mean([np.std(perform(speaker, emotion, "01") / 32768) for speaker in SPEAKERS]))

    assert level("anger") > level("happiness") > level("neutral") > level("sadness")
    lengths = {emotion: sum(len(perform(speaker, emotion, "02")) for speaker in SPEAKERS) for emotion in EMOTIONS}
    assert lengths["anger"] < lengths["neutral"] < lengths["sadness"]


def test_learnable_but_overlapping(corpus: Corpus, tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    mfcc = extract(corpus.paths, cache=tmp_path, n_jobs=1).values
    statistics = np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)], axis=1)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    scores = [
        cross_val_score(classifier, statistics, corpus.labels, cv=KFold(3, shuffle=True, random_state=seed)).mean()
        for seed in range(3)
    ]
    assert 0.75 <= np.mean(scores) <= 0.92


def test_ensure_keeps_what_is_complete(small: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.rglob("*")}
    synthetic.ensure(small)
    assert {path: path.stat().st_mtime_ns for path in small.rglob("*")} == before


def test_ensure_completes(small: Path) -> None:
    whole = contents(small)
    (small / "Speaker_02" / "02-anger-01.wav").unlink()
    synthetic.ensure(small)
    assert contents(small) == whole


def test_ensure_renews_an_older_version(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = contents(small)
    recording = small / "Speaker_01" / "01-anger-01.wav"
    recording.write_bytes(b"of an older version")
    (small / "synthetic.json").write_text('{"version": 0, "speakers": 2, "sentences": 1}')
    monkeypatch.setattr(synthetic, "SPEAKERS", dict(list(SPEAKERS.items())[:2]))
    monkeypatch.setattr(synthetic, "SENTENCES", {"01": SENTENCES["01"]})
    synthetic.ensure(small)
    assert contents(small) == whole


def test_two_at_once(small: Path, tmp_path: Path) -> None:
    root = tmp_path / "both" / "corpus"
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: synthetic.generate(root, speakers=2, sentences=1), range(3)))
    assert contents(root) == contents(small)
    assert [path.name for path in root.parent.iterdir()] == ["corpus"]


def test_interrupted_generation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        if path.name == "01-neutral-01.wav":
            raise KeyboardInterrupt

    monkeypatch.setattr(synthetic, "_write", fail)
    with pytest.raises(KeyboardInterrupt):
        synthetic.generate(tmp_path / "corpus")
    assert not list(tmp_path.iterdir())


def test_other_recordings_are_never_touched(small: Path, tmp_path: Path) -> None:
    real = tmp_path / "ravdess"
    (real / "Actor_01").mkdir(parents=True)
    with pytest.raises(CorpusError, match="contains no recordings in the layout"):
        read_corpus("synthetic", real)
    assert [path.name for path in real.iterdir()] == ["Actor_01"]
    with pytest.raises(CorpusError, match="2 speakers and 1 sentences, not 3 and 1"):
        synthetic.generate(small, speakers=3, sentences=1)
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match="is not a folder"):
        synthetic.ensure(tmp_path / "file")


@pytest.mark.parametrize(("speakers", "sentences"), [(0, 1), (7, 1), (1, 0), (1, 7)])
def test_impossible_size(tmp_path: Path, speakers: int, sentences: int) -> None:
    with pytest.raises(ConfigError, match=r"is invalid. Use 1 to 6 speakers and 1 to 6 sentences"):
        synthetic.generate(tmp_path / "corpus", speakers=speakers, sentences=sentences)


def test_missing_root_is_not_made_by_listing(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        synthetic.list_utterances(tmp_path / "nowhere")


def test_all_bad_names_are_listed(small: Path) -> None:
    (small / "Speaker_01" / "01-joy-01.wav").touch()
    (small / "Speaker_02" / "copy.wav").touch()
    with pytest.raises(CorpusError, match="2 entries") as caught:
        synthetic.list_utterances(small)
    assert "01-joy-01.wav" in str(caught.value)
    assert "copy.wav" in str(caught.value)
