"""Features of any settings are those that librosa computes from the same samples."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from plb_ablate.config.features import PUBLISHED, FeatureSettings
from plb_ablate.data.audio_file import read_samples
from plb_ablate.features.cache import folder_name
from plb_ablate.features.coefficients import feature_windows, features_of
from plb_ablate.features.extraction import extract
from tests.features.test_extraction import write_wav

LOGMEL: dict[str, Any] = {"name": "logmel", "n_mfcc": None}
SETTINGS = [
    FeatureSettings(**LOGMEL),
    FeatureSettings(**LOGMEL, n_mels=40, hop_length=256),
    FeatureSettings(**LOGMEL, sample_rate=16_000, target_length=48_000, hop_length=160, n_fft=400, n_mels=64),
    FeatureSettings(n_mfcc=20, hop_length=300, n_fft=1_201, n_mels=50, target_length=50_001),
    FeatureSettings(n_mfcc=40, n_mels=40),
]


def by_librosa(path: Path, settings: FeatureSettings) -> NDArray[np.float32]:
    """The features by librosa's own functions, of samples that librosa resamples and pads or cuts."""
    import librosa

    samples, rate = read_samples(path.read_bytes())
    samples = librosa.resample(samples, orig_sr=rate, target_sr=settings.sample_rate)
    surplus = len(samples) - settings.target_length
    samples = samples[max(surplus, 0) // 2 :][: settings.target_length]
    samples = np.pad(samples, (max(-surplus, 0) // 2, max(-surplus, 0) - max(-surplus, 0) // 2))
    frames = {"sr": settings.sample_rate, "n_fft": settings.n_fft, "hop_length": settings.hop_length}
    if settings.name == "mfcc":
        return np.asarray(librosa.feature.mfcc(y=samples, n_mfcc=settings.n_mfcc, n_mels=settings.n_mels, **frames).T)
    mel = librosa.feature.melspectrogram(y=samples, n_mels=settings.n_mels, **frames)
    return np.asarray(librosa.power_to_db(mel).T)


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.label)
def test_features_are_those_of_librosa(settings: FeatureSettings, tmp_path: Path) -> None:
    for seconds, rate in ((1.0, 16_000), (5.5, 44_100)):
        path = write_wav(tmp_path / f"{seconds}.wav", seconds, rate=rate)
        found = features_of(path, settings)
        assert found.shape == settings.shape
        assert found.dtype == np.float32
        assert_allclose(found, by_librosa(path, settings), rtol=0, atol=1e-3)


def test_log_mel_spectrograms_of_real_recordings(shared: Path, tmp_path: Path) -> None:
    chosen = sorted((shared / "data" / "ravdess").glob("Actor_*/*.wav"))[::120]
    assert chosen
    settings = SETTINGS[0]
    extracted = extract(chosen, cache=tmp_path, settings=settings, n_jobs=1, progress=False).values
    for path, found in zip(chosen, extracted, strict=True):
        assert_allclose(found, by_librosa(path, settings), rtol=0, atol=1e-3)
        assert found.max() - found.min() <= 80.001
    again = extract(chosen, cache=tmp_path, settings=settings, n_jobs=1, progress=False).values
    assert again.tobytes() == extracted.tobytes()


def test_windows_have_the_features_of_the_model(tmp_path: Path) -> None:
    settings = SETTINGS[2]
    path = write_wav(tmp_path / "tone.wav", 4.0)
    windows = feature_windows(path, 2.0, 1.0, settings)
    assert windows.features.shape == (3, *settings.shape)
    assert_allclose(feature_windows(path, settings=settings).features[0], features_of(path, settings), atol=1e-4)


def test_each_settings_has_a_cache_folder_of_its_own() -> None:
    assert folder_name(PUBLISHED) == "mfcc-v1-22050hz-100000-39"
    assert folder_name(FeatureSettings(sample_rate=16_000, n_mfcc=20)) == "mfcc-v1-16000hz-100000-20"
    others = [
        FeatureSettings(**{name: value})  # type: ignore[arg-type]
        for name, value in {"hop_length": 256, "n_fft": 1_024, "n_mels": 64, "target_length": 90_000}.items()
    ]
    names = {folder_name(settings) for settings in (PUBLISHED, *SETTINGS, *others)}
    assert len(names) == 1 + len(SETTINGS) + len(others)
