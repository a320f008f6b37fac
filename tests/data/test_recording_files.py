import os
from pathlib import Path

import pytest

from plb_ablate.core.errors import CorpusError
from plb_ablate.data.recording_files import find_recordings, is_hidden, subfolders


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names(root: Path, found: list[Path]) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in found)


@pytest.mark.parametrize("name", [".hidden.wav", "._speech.wav", "__MACOSX", "__macosx", ".git"])
def test_hidden_names(name: str) -> None:
    assert is_hidden(name)
    assert not is_hidden(name.strip("._") + ".wav")


def test_audio_that_is_not_hidden_is_a_recording(tmp_path: Path) -> None:
    make(tmp_path, "b.WAV", "a.flac", "notes.txt", "._a.flac", "__MACOSX/a.wav", ".cache/a.wav", "below/c.ogg")
    (tmp_path / "folder.wav").mkdir()
    assert names(tmp_path, find_recordings(tmp_path)) == ["a.flac", "b.WAV"]
    assert names(tmp_path, find_recordings(tmp_path, (".wav",))) == ["b.WAV"]
    assert names(tmp_path, find_recordings(tmp_path, recursive=True)) == ["a.flac", "b.WAV", "below/c.ogg"]
    assert [path.name for path in subfolders(tmp_path)] == ["below", "folder.wav"]


def test_a_hidden_folder_can_be_searched_itself(tmp_path: Path) -> None:
    assert len(find_recordings(make(tmp_path, ".cache/speech/a.wav") / ".cache", recursive=True)) == 1


def test_links_are_followed_once_and_a_dangling_one_is_kept_to_be_reported(tmp_path: Path) -> None:
    make(tmp_path, "speech/a.wav")
    (tmp_path / "speech" / "cycle").symlink_to(tmp_path)
    (tmp_path / "speech" / "gone.wav").symlink_to(tmp_path / "annex" / "object")
    assert names(tmp_path, find_recordings(tmp_path, recursive=True)) == ["speech/a.wav", "speech/gone.wav"]


def test_a_missing_folder_has_none(tmp_path: Path) -> None:
    assert find_recordings(tmp_path / "nowhere") == subfolders(tmp_path / "nowhere") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_an_unreadable_folder_is_named(tmp_path: Path) -> None:
    locked = make(tmp_path, "locked/a.wav") / "locked"
    locked.chmod(0)
    try:
        with pytest.raises(CorpusError, match=r"locked cannot be read \(Permission denied\)"):
            find_recordings(tmp_path, recursive=True)
    finally:
        locked.chmod(0o755)
