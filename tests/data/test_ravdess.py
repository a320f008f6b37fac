import shutil
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


TWELVE = "03-01-06-01-02-01-12.wav"


@pytest.mark.parametrize(
    "place",
    [
        "Audio_Speech_Actors_01-24/Actor_12",
        "audio_speech_actors_01-24/actor_12",
        "RAVDESS/Audio_Speech_Actors_01-24/ACTOR_12",
        "Actor_12/Actor_12",
    ],
)
def test_any_case_and_deeper_folders_are_the_same_corpus(place: str, tmp_path: Path) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True)
    (folder / f"{TWELVE[:-4]}.WAV").write_bytes(b"speech")
    make(tmp_path / "__MACOSX" / "Actor_12", f"._{TWELVE}")
    corpus = read_corpus("ravdess", tmp_path)
    assert corpus.relative_paths == (f"Actor_12/{TWELVE}",)
    assert corpus.paths == (folder / f"{TWELVE[:-4]}.WAV",)
    assert corpus.notes == (f"ravdess: read 1 recording in {folder.parent}.",)


def test_a_corpus_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    names = all_names()
    again = "audio_speech_actors_01-24"
    corpus = read_corpus("ravdess", make(make(tmp_path, *names) / again, *names).parent)
    assert list(corpus.relative_paths) == [f"Actor_{name[-6:-4]}/{name}" for name in names]
    assert corpus.paths[0].parent.parent == tmp_path
    (note,) = corpus.notes
    assert note.startswith(f"ravdess: 1,440 copies in {tmp_path / again} not counted again: Actor_01/03-01-01-")
    assert note.endswith(" and 1,437 more.")


def test_a_half_empty_archive_folder_does_not_hide_the_rest(tmp_path: Path) -> None:
    names = all_names()
    archive = tmp_path / "Audio_Speech_Actors_01-24"
    make(tmp_path, *names[60:])
    make(archive, *names[:180])
    corpus = read_corpus("ravdess", tmp_path)
    assert [path.name for path in corpus.paths] == names
    read, left_out = corpus.notes
    assert read == f"ravdess: read 60 recordings in {archive}, 1,380 recordings in {tmp_path}."
    assert left_out.startswith(f"ravdess: 120 copies in {archive} not counted again: ")


def test_folders_may_be_links(tmp_path: Path) -> None:
    make(tmp_path / "disk", TWELVE)
    for root in ("direct", "deeper"):
        (tmp_path / root).mkdir()
    (tmp_path / "direct" / "actor_12").symlink_to(tmp_path / "disk" / "Actor_12")
    (tmp_path / "deeper" / "ravdess").symlink_to(tmp_path / "disk")
    (tmp_path / "deeper" / "cycle").symlink_to(tmp_path / "deeper")
    assert read_corpus("ravdess", tmp_path / "direct").notes == ()
    corpus = read_corpus("ravdess", tmp_path / "deeper")
    assert corpus.relative_paths == (f"Actor_12/{TWELVE}",)
    assert corpus.paths == (tmp_path / "deeper" / "ravdess" / "Actor_12" / TWELVE,)


def test_different_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    for place, content in ((tmp_path, b"whole"), (tmp_path / "copy", b"who")):
        (make(place, TWELVE) / "Actor_12" / TWELVE).write_bytes(content)
    with pytest.raises(CorpusError, match="1 recording twice, but not the same") as caught:
        read_corpus("ravdess", tmp_path)
    assert f"{tmp_path}/Actor_12/{TWELVE} and {tmp_path}/copy/Actor_12/{TWELVE}: different content" in str(caught.value)


def test_a_second_download_of_an_actor_is_told(tmp_path: Path) -> None:
    make(tmp_path, TWELVE)
    shutil.copytree(tmp_path / "Actor_12", tmp_path / "Actor_12 (1)")
    with pytest.raises(CorpusError, match=r"actor 12 is in Actor_12 \(1\), not in Actor_12"):
        read_corpus("ravdess", tmp_path)


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
