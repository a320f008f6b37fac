"""An own corpus as a folder for each label."""

from pathlib import Path
from typing import Any

import pytest

from plb_ablate.config.dataset import Dataset
from plb_ablate.core.errors import CorpusError
from plb_ablate.data.registry import read_dataset
from tests.data.test_recording_files import make

NAMES = ("sad/03_b.wav", "sad/deep/11_a.FLAC", "happy/03_a.wav", "happy/11_c.mp3")


def dataset(folder: Path, *names: str, **settings: Any) -> Dataset:
    root = make(folder / "speech", *names)
    return Dataset(**({"name": "", "root": str(root), "reader": "folders", "speaker_pattern": r"(\d+)_"} | settings))


def test_folders_are_labels_and_the_pattern_finds_the_speaker(tmp_path: Path) -> None:
    corpus = read_dataset(dataset(tmp_path, *NAMES), "speaker")
    assert (corpus.name, corpus.classes, corpus.grouping) == ("speech", ("happy", "sad"), "speaker")
    assert corpus.relative_paths == ("happy/03_a.wav", "happy/11_c.mp3", "sad/03_b.wav", "sad/deep/11_a.FLAC")
    assert corpus.speakers.tolist() == ["03", "11", "03", "11"]
    assert corpus.labels.tolist() == [0, 0, 1, 1]
    assert corpus.notes == ()


def test_the_speaker_may_be_a_folder_below_the_label(tmp_path: Path) -> None:
    names = [
        f"{label}/{speaker}/{number}.wav" for label in ("a1/", "b2") for speaker in ("anna", "carl") for number in "12"
    ]
    corpus = read_dataset(dataset(tmp_path, *names, speaker_pattern="^([^/]+)/"))
    assert set(corpus.speakers.tolist()) == {"anna", "carl"}


def test_without_a_pattern_speakers_are_unknown(tmp_path: Path) -> None:
    corpus = read_dataset(dataset(tmp_path, *NAMES, speaker_pattern=None))
    assert (corpus.grouping, set(corpus.speakers.tolist())) == ("", {""})


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    others = ("sad/notes.txt", "happy/1.m4a", "happy/2.M4A", "papers/README", "sad/._03_b.wav", "sad/.git/x")
    corpus = read_dataset(dataset(tmp_path, *NAMES, *others))
    assert len(corpus.utterances) == 4
    assert corpus.notes == (
        "speech: no recordings in papers: no label.",
        "speech: files that libsndfile does not read are left out: .m4a (2), README (1), .txt (1).",
    )


def test_everything_wrong_is_listed_in_one_go(tmp_path: Path) -> None:
    settings = dataset(tmp_path, *NAMES, "loose.wav", "happy/anna.wav", "angry/03_a.wav")
    (tmp_path / "speech" / "sad" / "03_gone.wav").symlink_to(tmp_path / "nowhere")
    with pytest.raises(CorpusError) as caught:
        read_dataset(settings, "predefined")
    assert str(caught.value).splitlines() == [
        f"dataset.root={tmp_path}/speech: 5 problems:",
        "  protocol=predefined needs a table with the column `fold`: dataset=manifest",
        "  loose.wav: lies beside the folders of the labels, and so has no label",
        r"  happy/anna.wav: dataset.speaker_pattern='(\\d+)_' finds no speaker in 'anna.wav'",
        f"  sad/03_gone.wav: {tmp_path}/speech/sad/03_gone.wav does not exist",
        "  class angry: 1 utterance (angry/03_a.wav); a class needs two or more",
        "Correct them, and start again.",
    ]


def test_speakers_are_asked_for_where_they_are_needed(tmp_path: Path) -> None:
    settings = dataset(tmp_path, *NAMES, speaker_pattern=None)
    with pytest.raises(CorpusError, match=r"protocol=speaker needs dataset\.speaker_pattern, such as '\(\\d\+\)_'"):
        read_dataset(settings, "speaker")


@pytest.mark.parametrize(
    ("names", "state"),
    [((), "does not exist"), (("loose.wav",), "contains no recordings"), (("sad/a.m4a",), "contains no recordings")],
)
def test_a_folder_without_recordings_is_refused(names: tuple[str, ...], state: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=rf"speech {state}.*dataset=folders expects a folder for each label"):
        read_dataset(dataset(tmp_path, *names))
