"""Features of one recording: mel-frequency cepstral coefficients (MFCCs), or the log-mel spectrogram.

Computed with librosa and NumPy only, so that it also runs on small devices without TensorFlow.
"""

import math
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from plb_ablate.config.features import PUBLISHED, FeatureSettings
from plb_ablate.core.errors import ConfigError, RecordingError
from plb_ablate.core.library_caches import settle_numba_cache
from plb_ablate.data.audio_file import read_samples

__all__ = [
    "PUBLISHED",
    "FeatureSettings",
    "Windows",
    "check_window",
    "coefficients",
    "failure",
    "feature_windows",
    "features_of",
    "mfcc",
    "window_starts",
]


def mfcc(path: Path | str, settings: FeatureSettings = PUBLISHED) -> NDArray[np.float32]:
    """Compute the features of one recording, by default MFCCs, float32 (196, 39): an older name of `features_of`."""
    return features_of(path, settings)


def features_of(path: Path | str, settings: FeatureSettings = PUBLISHED) -> NDArray[np.float32]:
    """Compute the features of one recording, without the cache.

    The recording is mixed to mono, resampled, and zero-padded at both ends or cut to its central segment. MFCCs are
    those of ``librosa.feature.mfcc``; a log-mel spectrogram is ``librosa.power_to_db`` of
    ``librosa.feature.melspectrogram``, at most 80 dB below its loudest value. There is no normalisation.

    Parameters
    ----------
    path : Path or str
        Audio file.
    settings : FeatureSettings
        What to compute.

    Returns
    -------
    ndarray of float32, of the shape `FeatureSettings.shape`
        One row per frame: coefficients, or dB of each mel band.

    Raises
    ------
    RecordingError
        If the recording is missing, truncated, empty, silent, not audio or not finite.

    References
    ----------
    Davis and Mermelstein, Comparison of Parametric Representations for Monosyllabic Word Recognition, IEEE Transactions
    on Acoustics, Speech, and Signal Processing 28(4), 1980. The mel scale is that of Slaney, Auditory Toolbox, 1998.
    """
    return coefficients(*_samples(path), settings)


class Windows(NamedTuple):
    """Windows of one recording, with their features.

    Parameters
    ----------
    seconds : float
        Length of the whole recording.
    starts, ends : float64 (n,)
        Start and end of each window in seconds.
    features : float32 (n, frames, coefficients)
        Features of each window.
    """

    seconds: float
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    features: NDArray[np.float32]


def feature_windows(
    path: Path | str, window: float | None = None, hop: float = 1.0, settings: FeatureSettings = PUBLISHED
) -> Windows:
    """Compute the features of overlapping windows of one recording, or of its central segment only.

    Parameters
    ----------
    path : Path or str
        Audio file.
    window : float, optional
        Length of a window in seconds; None selects the single segment that `features_of` uses.
    hop : float
        Seconds between the starts of consecutive windows.
    settings : FeatureSettings
        Feature settings of the model; windows shorter than its target length are zero-padded at both ends.

    Raises
    ------
    ConfigError
        If `window` or `hop` is invalid (see `check_window`).
    RecordingError
        If the recording cannot be used.
    """
    rate, length = settings.sample_rate, settings.target_length
    if window is not None:
        check_window(window, hop, settings)
        length = round(window * rate)
    samples = _resampled(*_samples(path), settings)
    middle = [max(len(samples) - length, 0) // 2]
    starts = np.array(middle if window is None else window_starts(len(samples), length, round(hop * rate)))
    ends = np.minimum(starts + length, len(samples))
    features = [_coefficients(samples[start:end], settings) for start, end in zip(starts, ends, strict=True)]
    return Windows(len(samples) / rate, starts / rate, ends / rate, np.stack(features))


def check_window(window: float, hop: float, settings: FeatureSettings = PUBLISHED) -> None:
    """Raise an error for invalid window settings.

    Raises
    ------
    ConfigError
        If `window` is longer than the model's input, or `window` or `hop` is shorter than one sample.
    """
    for name, seconds in (("window", window), ("hop", hop)):
        if not (math.isfinite(seconds) and seconds * settings.sample_rate >= 1):
            raise ConfigError(f"{name}={seconds:g} must be a number of seconds greater than 0.")
    if round(window * settings.sample_rate) > settings.target_length + settings.sample_rate // 1000:
        raise ConfigError(f"window={window:g} is longer than the model's input of {settings.seconds:.3f} seconds.")


def window_starts(samples: int, length: int, step: int) -> list[int]:
    """Return the starts of windows of `length` samples every `step` samples, so that they cover the recording.

    If samples remain at the end, one more window covers them. A recording shorter than a window has one window at 0.
    """
    last = max(samples - length, 0)
    starts = list(range(0, last + 1, step))
    return starts if starts[-1] == last else [*starts, last]


def failure(error: OSError | ValueError) -> str:
    """Return a short reason why a recording could not be read."""
    return f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)


def _samples(path: Path | str) -> tuple[NDArray[np.float32], int]:
    try:
        return read_samples(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise RecordingError([(Path(path), failure(error))]) from None


def coefficients(samples: NDArray[np.float32], rate: int, settings: FeatureSettings) -> NDArray[np.float32]:
    """Compute the features, float32 (frames, coefficients), of samples in [-1, 1] at `rate` Hz."""
    return _coefficients(_resampled(samples, rate, settings), settings)


def _resampled(samples: NDArray[np.float32], rate: int, settings: FeatureSettings) -> NDArray[np.float32]:
    return np.asarray(_librosa().resample(samples, orig_sr=rate, target_sr=settings.sample_rate))


def _coefficients(samples: NDArray[np.float32], settings: FeatureSettings) -> NDArray[np.float32]:
    """Compute the features of resampled samples.

    Uses the functions of librosa, with cached mel filters, which librosa would compute again for every recording.
    """
    librosa = _librosa()
    centred = _centred(samples, settings.target_length)
    spectrum = librosa.stft(centred, n_fft=settings.n_fft, hop_length=settings.hop_length)
    filters = _mel_filters(settings.sample_rate, settings.n_fft, settings.n_mels)
    features = librosa.power_to_db(filters @ (np.abs(spectrum) ** 2))
    if settings.n_mfcc is not None:
        features = librosa.feature.mfcc(S=features, n_mfcc=settings.n_mfcc)
    return np.ascontiguousarray(features.T, dtype=np.float32)


def _centred(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Pad with zeros at both ends (an odd zero at the end), or cut to the central segment."""
    surplus = len(samples) - length
    if surplus >= 0:
        return samples[surplus // 2 : surplus // 2 + length]
    left = -surplus // 2
    return np.pad(samples, (left, -surplus - left))


@lru_cache(maxsize=4)
def _mel_filters(sample_rate: int, n_fft: int, n_mels: int) -> NDArray[np.float32]:
    return np.asarray(_librosa().filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels))


@lru_cache(maxsize=1)
def _librosa() -> ModuleType:
    settle_numba_cache()
    import librosa

    return librosa
