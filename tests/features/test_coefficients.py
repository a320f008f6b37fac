"""Windows of long recordings."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from plb_ablate.core.errors import ConfigError, RecordingError
from plb_ablate.features.coefficients import feature_windows, mfcc, window_starts

RATE = 22_050


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Seven seconds of noise that grows louder."""
    samples = np.random.default_rng(0).standard_normal(7 * RATE) * np.linspace(0.01, 0.1, 7 * RATE)
    soundfile.write(tmp_path / "long.wav", samples, RATE, subtype="FLOAT")
    return tmp_path / "long.wav"


def test_without_a_window_it_is_the_middle_that_training_sees(recording: Path) -> None:
    whole = feature_windows(recording)
    np.testing.assert_array_equal(whole.features[0], mfcc(recording))
    assert whole.seconds == 7
    assert whole.ends - whole.starts == pytest.approx(100_000 / RATE)
    assert whole.starts + whole.ends == pytest.approx(7, abs=1 / RATE)


def test_windows_are_those_of_their_own_recordings(recording: Path, tmp_path: Path) -> None:
    windows = feature_windows(recording, window=3, hop=1.5)
    np.testing.assert_allclose(windows.starts, [0, 1.5, 3, 4])
    np.testing.assert_allclose(windows.ends, [3, 4.5, 6, 7])
    samples, _ = soundfile.read(recording, dtype="float32")
    for start, features in zip(windows.starts, windows.features, strict=True):
        begin = round(start * RATE)
        soundfile.write(tmp_path / "part.wav", samples[begin : begin + 3 * RATE], RATE, subtype="FLOAT")
        np.testing.assert_array_equal(features, mfcc(tmp_path / "part.wav"))


@pytest.mark.parametrize(
    ("samples", "starts"),
    [(3, [0]), (10, [0]), (11, [0, 1]), (14, [0, 4]), (15, [0, 4, 5]), (18, [0, 4, 8])],
)
def test_windows_cover_the_recording(samples: int, starts: list[int]) -> None:
    assert window_starts(samples, length=10, step=4) == starts


@pytest.mark.parametrize(("window", "hop"), [(4.6, 1), (0, 1), (-1, 1), (2, 0), (2, -1), (float("nan"), 1)])
def test_impossible_windows_are_refused(recording: Path, window: float, hop: float) -> None:
    with pytest.raises(ConfigError, match=r"window=|hop="):
        feature_windows(recording, window, hop)


def test_the_published_length_is_a_window(recording: Path) -> None:
    assert feature_windows(recording, window=4.5352, hop=1).features.shape[1:] == (196, 39)


def test_a_bad_recording_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        feature_windows(tmp_path / "none.wav", 1, 1)
