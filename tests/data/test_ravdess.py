from collections import Counter
from pathlib import Path

import pytest

from plb_ablate.core.errors import CorpusError
from plb_ablate.data.corpora import ravdess
from plb_ablate.data.registry import read_corpus

CLASSES = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def make(root: Path, *names: str) -> Path:
    """Lay recordings into the folder of the actor that their name ends with."""
    for name in names:
        folder = root / f"Actor_{Path(name).stem[-2:]}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return root


def all_names() -> list[str]:
    return [
        f"03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}.wav"
        for actor in range(1, 25)
        for emotion in range(1, 9)
        for intensity in (1, 2)
        if emotion > 1 or intensity == 1
        for statement in (1, 2)
        for repetition in (1, 2)
    ]


def test_decode() -> None:
    assert ravdess.decode("03-01-06-01-02-01-12.wav") == (5, "12", "F", True)
    assert ravdess.decode("03-01-01-01-02-01-03.wav") == (0, "03", "M", True)
    assert ravdess.decode("03-02-06-01-02-01-12.wav").is_speech is False
    assert ravdess.decode("01-01-06-01-02-01-12.wav").is_speech is False


def test_whole_corpus_has_published_order_classes_and_counts(tmp_path: Path) -> None:
    names = all_names()
    corpus = read_corpus("ravdess", make(tmp_path, *reversed(names)))
    assert corpus.classes == CLASSES
    assert [path.name for path in corpus.paths] == names
    counts = Counter(corpus.classes[label] for label in corpus.labels)
    assert counts == {"neutral": 96} | dict.fromkeys(CLASSES[1:], 192)
    assert len(set(corpus.speakers)) == 24


def test_song_is_left_out(tmp_path: Path) -> None:
    make(tmp_path, "03-01-06-01-02-01-12.wav", "03-02-06-01-02-01-12.wav", "._03-01-06-01-02-01-12.wav")
    assert [utterance.path.name for utterance in ravdess.list_utterances(tmp_path)] == ["03-01-06-01-02-01-12.wav"]


def test_folder_of_the_official_archive(tmp_path: Path) -> None:
    make(tmp_path / "Audio_Speech_Actors_01-24", "03-01-06-01-02-01-12.wav")
    corpus = read_corpus("ravdess", tmp_path)
    assert corpus.relative_paths == ("Audio_Speech_Actors_01-24/Actor_12/03-01-06-01-02-01-12.wav",)


def test_speaker_session_and_gender(tmp_path: Path) -> None:
    make(tmp_path, "03-01-06-01-02-01-12.wav", "03-01-06-01-02-01-07.wav")
    first, second = ravdess.list_utterances(tmp_path)
    assert (first.speaker, first.session, first.gender) == ("07", "07", "M")
    assert (second.speaker, second.session, second.gender) == ("12", "12", "F")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("03-01-09-01-02-01-12.wav", ["emotion '09'", "01, 02, 03, 04, 05, 06, 07, 08"]),
        ("03-01-06-01-02-01-25.wav", ["actor '25'", "23, 24"]),
        ("03-01-06-03-02-01-12.wav", ["intensity '03'", "01, 02"]),
        ("03-01-06.wav", ["like 03-01-06-01-02-01-12.wav"]),
    ],
)
def test_undecodable_names(name: str, said: list[str]) -> None:
    with pytest.raises(CorpusError) as caught:
        ravdess.decode(name)
    assert all(part in str(caught.value) for part in [name, *said])


def test_all_bad_names_are_listed(tmp_path: Path) -> None:
    make(tmp_path, "03-01-06-01-02-01-12.wav", "03-01-09-01-02-01-12.wav", "03-01-00-01-02-01-12.wav")
    (tmp_path / "Actor_12" / "03-01-06-01-02-01-13.wav").touch()
    with pytest.raises(CorpusError, match="3 entries") as caught:
        ravdess.list_utterances(tmp_path)
    for part in ("03-01-09", "03-01-00", "actor 13 is in Actor_12"):
        assert part in str(caught.value)


def test_missing_and_empty_root(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"does not exist.*Actor_01/03-01-01-01-01-01-01\.wav.*Set dataset\.root="):
        ravdess.list_utterances(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="is empty"):
        ravdess.list_utterances(tmp_path)
    (tmp_path / "Actor_01").mkdir()
    with pytest.raises(CorpusError, match="contains no recordings in the layout"):
        ravdess.list_utterances(tmp_path)


def test_real_recordings(shared: Path) -> None:
    corpus = read_corpus("ravdess", shared / "data" / "ravdess")
    counts = Counter(corpus.classes[label] for label in corpus.labels)
    assert counts == {"neutral": 24} | dict.fromkeys(CLASSES[1:], 48)
    assert list(corpus.relative_paths) == [f"Actor_{name[-6:-4]}/{name}" for name in all_names() if name[-6:-4] < "07"]
    assert Counter(corpus.speakers) == dict.fromkeys(["01", "02", "03", "04", "05", "06"], 60)
    assert corpus.utterances[60].gender == "F"
