"""The command, with a model that answers at once; tests/export/test_edge.py has a real one."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from plb_ablate import predict
from plb_ablate.config.features import FeatureSettings
from plb_ablate.inference.model_card import ModelCard


class Stub:
    """Says ``loud`` the more, the louder the loudest part of a recording is."""

    card = ModelCard(("quiet", "loud"), FeatureSettings(), "float32", {})

    def __init__(self, path: Path, threads: int) -> None: ...

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        loud = 1 / (1 + np.exp(-(features[:, :, 0].max(axis=1) + 200) / 20))
        return np.stack([1 - loud, loud], axis=1).astype(np.float32)


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "LiteRTModel", Stub)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two quiet recordings and two loud ones, one of them below, and a long one that grows loud."""
    noise = np.random.default_rng(0).standard_normal(22_050 * 9).astype("float32")
    (tmp_path / "sounds" / "below").mkdir(parents=True)
    loudness = {"2-quiet": 1e-4, "10-quiet": 1e-4, "loud": 0.5, "below/loud": 0.5}
    for name, factor in loudness.items():
        soundfile.write(tmp_path / "sounds" / f"{name}.wav", factor * noise[:66_150], 22_050)
    growing = np.concatenate([1e-4 * noise[: 22_050 * 4], 0.5 * noise[22_050 * 4 :]])
    soundfile.write(tmp_path / "growing.flac", growing, 22_050)
    (tmp_path / "sounds" / "notes.txt").write_text("no recording")
    return tmp_path


def test_a_folder_gives_its_recordings_in_natural_order(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.main([str(recordings / "sounds"), "--model", "m", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["classes"] == ["quiet", "loud"]
    assert [(Path(r["file"]).name, r["emotion"]) for r in said["results"]] == [
        ("2-quiet.wav", "quiet"),
        ("10-quiet.wav", "quiet"),
        ("loud.wav", "loud"),
        ("loud.wav", "loud"),
    ]
    for result in said["results"]:
        assert sum(result["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert result["seconds"] == 3


def test_what_macos_adds_is_no_recording_and_links_are_followed(
    recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sounds = recordings / "sounds"
    (sounds / "__MACOSX" / "below").mkdir(parents=True)
    for junk in ("._loud.wav", ".hidden.wav", "__MACOSX/below/loud.wav", "__MACOSX/._loud.wav"):
        (sounds / junk).write_bytes(b"\x00\x05\x16\x07 no audio")
    (recordings / "linked").mkdir()
    (recordings / "linked" / "all").symlink_to(sounds)
    assert predict.main([str(recordings / "linked"), "--model", "m", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["results"]) == 4


def test_windows_show_where_the_emotion_changes(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(recordings / "growing.flac"), "--model", "m", "--window", "2", "--hop", "1"]
    assert predict.main([*arguments, "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert [(w["start"], w["end"]) for w in result["windows"]] == [(n, n + 2) for n in range(8)]
    assert [w["emotion"] for w in result["windows"]] == ["quiet"] * 3 + ["loud"] * 5
    mean = np.mean([w["probabilities"]["loud"] for w in result["windows"]])
    assert result["probabilities"]["loud"] == pytest.approx(mean, abs=1e-5)
    assert predict.main(arguments) == 0
    assert capsys.readouterr().out.count("growing.flac") == 1


def test_the_unclassified_part_of_a_recording_is_reported(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.main([str(recordings / "growing.flac"), "--model", "m"]) == 0
    assert "segment of 1 of 1 recordings was classified; --window 4.535 --hop 1 classifies" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("length", "advice"),
    [(44_100, "--window 2.0 --hop 1"), (27_222, "--window 1.234 --hop 1"), (11_025, "0.5 --hop 0.5")],
)
def test_the_way_to_hear_all_is_that_of_the_model(
    length: int, advice: str, recordings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        Stub, "card", ModelCard(("quiet", "loud"), FeatureSettings(target_length=length), "float32", {})
    )
    command = [str(recordings / "growing.flac"), "--model", "m"]
    assert predict.main(command) == 0
    said = capsys.readouterr().err
    assert f"{advice} classifies whole recordings" in said
    assert predict.main([*command, *said[said.index("--window") :].split()[:4]]) == 0
    assert capsys.readouterr().err == ""


def test_all_bad_files_are_listed_and_the_others_classified(
    recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, text = recordings / "sounds" / "loud.wav", recordings / "sounds" / "notes.txt"
    assert predict.main([str(good), str(text), str(recordings / "none.wav"), "--model", "m", "--json"]) == 2
    captured = capsys.readouterr()
    said = json.loads(captured.out)
    assert [result["emotion"] for result in said["results"]] == ["loud"]
    assert [Path(failure["file"]).name for failure in said["failures"]] == ["notes.txt", "none.wav"]
    assert "2 of 3 recordings cannot be used" in captured.err
    assert "notes.txt: not audio" in captured.err
    assert "none.wav: cannot be read" in captured.err


def test_an_empty_folder_and_impossible_settings_are_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.main([str(tmp_path), "--model", "m"]) == 2
    assert "no recordings" in capsys.readouterr().err
    assert predict.main([str(tmp_path), "--model", "m", "--window", "60"]) == 2
    assert "window=60" in capsys.readouterr().err


def test_nothing_heavy_is_loaded(recordings: Path) -> None:
    program = (
        "import sys, pathlib, plb_ablate.predict, plb_ablate.features.coefficients\n"
        "plb_ablate.features.coefficients.feature_windows(sys.argv[1])\n"
        "plb_ablate.predict.recordings_of([pathlib.Path(sys.argv[1]).parent])\n"
        "print([name for name in ('tensorflow', 'keras', 'mlflow', 'hydra', 'omegaconf', 'sklearn', 'pandas', "
        "'matplotlib', 'requests') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program, str(recordings / "growing.flac")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
