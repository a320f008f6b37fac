from collections import Counter
from itertools import islice, product
from pathlib import Path

import pytest

from plb_ablate.core.errors import CorpusError
from plb_ablate.data.corpora import emodb
from plb_ablate.data.registry import read_corpus

COUNTS = {
    "boredom": 81,
    "fear": 69,
    "disgust": 46,
    "happiness": 71,
    "sadness": 62,
    "anger": 127,
    "neutral": 79,
}
LETTERS = "LAEFTWN"


def make(root: Path, *names: str) -> Path:
    (root / "wav").mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / "wav" / name).touch()
    return root


def test_decode() -> None:
    assert emodb.decode("03a01Fa.wav") == (3, "03", "M", "a01", "a")
    assert emodb.decode("16b10Wb.wav") == (5, "16", "F", "b10", "b")


@pytest.mark.parametrize(("letter", "label"), list(zip(LETTERS, range(7), strict=True)))
def test_letters_are_labels_in_published_order(letter: str, label: int) -> None:
    assert emodb.decode(f"10a02{letter}c.wav").label == label


def test_classes_with_published_counts(tmp_path: Path) -> None:
    names = [
        f"{speaker}a{text:02d}{letter}{version}.wav"
        for letter, count in zip(LETTERS, COUNTS.values(), strict=True)
        for version, speaker, text in islice(product("ab", emodb.SPEAKERS, range(1, 11)), count)
    ]
    corpus = read_corpus("emodb", make(tmp_path, *names))
    assert corpus.classes == tuple(COUNTS)
    assert Counter(corpus.classes[label] for label in corpus.labels) == COUNTS
    assert len(corpus.utterances) == 535


def test_natural_order_speakers_and_genders(tmp_path: Path) -> None:
    make(tmp_path, "16a01Lb.wav", "03b10Na.wav", "03a02Fc.wav", "08a01Wa.wav", "03b01Ea.wav", "03a02Ab.wav")
    make(tmp_path, "._03a02Fc.wav", "notes.txt")
    utterances = emodb.list_utterances(tmp_path)
    names = [utterance.path.name for utterance in utterances]
    assert names == ["03a02Ab.wav", "03a02Fc.wav", "03b01Ea.wav", "03b10Na.wav", "08a01Wa.wav", "16a01Lb.wav"]
    assert [utterance.label for utterance in utterances] == [1, 3, 2, 6, 5, 0]
    assert [utterance.speaker for utterance in utterances] == ["03", "03", "03", "03", "08", "16"]
    assert [utterance.gender for utterance in utterances] == ["M", "M", "M", "M", "F", "F"]
    assert all(utterance.session == utterance.speaker for utterance in utterances)


@pytest.mark.parametrize("place", ["wav", "WAV", "download/wav", "."])
def test_the_folder_may_be_the_parent_of_wav_or_wav_itself(place: str, tmp_path: Path) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("16a01Lb.WAV", "03b10Na.wav", "._03b10Na.wav"):
        (folder / name).touch()
    corpus = read_corpus("emodb", tmp_path)
    assert corpus.relative_paths == ("wav/03b10Na.wav", "wav/16a01Lb.wav")
    assert corpus.paths == (folder / "03b10Na.wav", folder / "16a01Lb.WAV")
    said = (f"emodb: read 2 recordings in {tmp_path / 'download'}.",) if place == "download/wav" else ()
    assert corpus.notes == said


def test_recordings_beside_the_folder_are_read_once_and_other_files_there_are_not(tmp_path: Path) -> None:
    make(tmp_path, "16a01Lb.wav", "03b10Na.wav")
    for name in ("03b10Na.wav", "08a01Wa.wav", "speech.wav"):
        (tmp_path / name).touch()
    corpus = read_corpus("emodb", tmp_path)
    assert [path.name for path in corpus.paths] == ["03b10Na.wav", "08a01Wa.wav", "16a01Lb.wav"]
    assert corpus.notes == (f"emodb: 1 copy in {tmp_path} not counted again: wav/03b10Na.wav.",)


def test_a_bad_name_among_recordings_without_a_folder_is_told(tmp_path: Path) -> None:
    for name in ("03b10Na.wav", "speech.wav"):
        (tmp_path / name).touch()
    with pytest.raises(CorpusError, match=r"1 entry.*\n  speech.wav: not a file name of this corpus"):
        read_corpus("emodb", tmp_path)
    (tmp_path / "03b10Na.wav").unlink()
    with pytest.raises(CorpusError, match="contains no recordings in the layout"):
        read_corpus("emodb", tmp_path)


def test_order_is_natural_not_alphabetical(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emodb, "_utterance", lambda path: path.name)
    names: list[object] = [*emodb.list_utterances(make(tmp_path, "10.wav", "9.wav", "11.wav"))]
    assert names == ["9.wav", "10.wav", "11.wav"]


def test_genders_are_five_and_five() -> None:
    assert Counter(emodb.SPEAKERS.values()) == {"F": 5, "M": 5}
    assert {speaker for speaker, gender in emodb.SPEAKERS.items() if gender == "M"} == {"03", "10", "11", "12", "15"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("03a01Xa.wav", ["'X'", "W anger", "N neutral"]),
        ("07a01Fa.wav", ["'07'", "03, 08, 09, 10, 11, 12, 13, 14, 15, 16"]),
        ("anger.wav", ["like 03a01Fa.wav"]),
        ("03a01F.wav", ["like 03a01Fa.wav"]),
    ],
)
def test_undecodable_names(name: str, said: list[str]) -> None:
    with pytest.raises(CorpusError) as caught:
        emodb.decode(name)
    assert all(part in str(caught.value) for part in [name, *said])


def test_all_bad_names_are_listed(tmp_path: Path) -> None:
    make(tmp_path, "03a01Fa.wav", "03a01Xa.wav", "99a01Fa.wav", "copy.wav")
    with pytest.raises(CorpusError, match="3 entries") as caught:
        emodb.list_utterances(tmp_path)
    assert all(name in str(caught.value) for name in ("03a01Xa.wav", "99a01Fa.wav", "copy.wav"))
    assert "03a01Fa.wav: " not in str(caught.value)


def test_missing_and_empty_root(tmp_path: Path) -> None:
    with pytest.raises(
        CorpusError, match=r"dataset\.root=.*nowhere does not exist.*wav/03a01Fa\.wav.*Set dataset\.root="
    ):
        emodb.list_utterances(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="is empty"):
        emodb.list_utterances(tmp_path)
    (tmp_path / "other").mkdir()
    with pytest.raises(CorpusError, match="contains no recordings in the layout"):
        emodb.list_utterances(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match="is not a folder"):
        emodb.list_utterances(tmp_path / "file")
