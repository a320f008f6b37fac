"""Feature settings: what is computed from a recording, and which settings are impossible."""

from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from plb_ablate.core.errors import ConfigError
from plb_ablate.core.library_caches import settle_numba_cache

__all__ = ["FEATURES", "PUBLISHED", "FeatureSettings"]

FEATURES = ("mfcc", "logmel")
"""Names of the features: mel-frequency cepstral coefficients, or the log-mel spectrogram that they come from."""

RANGES = {
    "sample_rate": (8_000, 192_000),
    "n_fft": (16, 65_536),
    "hop_length": (1, 65_536),
    "target_length": (16, 2**31),
    "n_mels": (1, 4_096),
}
"""Least and largest value of each setting by itself; `FeatureSettings` says what they must be to each other."""


@dataclass
class FeatureSettings:
    """The features of a recording. The defaults are the published settings.

    Parameters
    ----------
    name : str
        ``mfcc``, or ``logmel``: the mel spectrogram in dB, without the cosine transform that makes MFCCs of it.
    sample_rate : int
        Sampling rate in Hz to which recordings are resampled, 8,000 to 192,000.
    target_length : int
        Length in samples to which recordings are padded or cut; at least one window.
    n_mfcc : int, optional
        Coefficients of a frame under ``mfcc``, at most `n_mels`; null under ``logmel``, whose frames have bands.
    hop_length : int
        Samples between the starts of two frames, at most one window.
    n_fft : int
        Length of the window (Hann) of a frame in samples, 16 to 65,536.
    n_mels : int
        Mel bands between 0 Hz and half of the sampling rate; as many as the window can tell apart.

    Raises
    ------
    ConfigError
        If a value is out of its range, or does not go with the others; the message names the values that do.
    """

    name: str = "mfcc"
    sample_rate: int = 22_050
    target_length: int = 100_000
    n_mfcc: int | None = 39
    hop_length: int = 512
    n_fft: int = 2_048
    n_mels: int = 128

    def __post_init__(self) -> None:
        if self.name not in FEATURES:
            raise ConfigError(f"features={self.name} is unknown. Use one of {', '.join(FEATURES)}.")
        for setting, (low, high) in RANGES.items():
            _check_range(setting, getattr(self, setting), low, high)
        self._check_frames()
        self._check_coefficients()
        largest = _most_bands(self.sample_rate, self.n_fft, self.n_mels)
        if largest < self.n_mels:
            raise ConfigError(
                f"features.n_mels={self.n_mels} is too many for windows of features.n_fft={self.n_fft} samples at "
                f"features.sample_rate={self.sample_rate}: some mel bands would contain no frequency of the spectrum, "
                f"and be constant. Use 1 to {largest}, or a larger features.n_fft."
            )

    def _check_frames(self) -> None:
        if self.hop_length > self.n_fft:
            raise ConfigError(
                f"features.hop_length={self.hop_length} is more than features.n_fft={self.n_fft}: the samples between "
                f"two windows would not be used. Use 1 to {self.n_fft}, or a larger features.n_fft."
            )
        if self.target_length < self.n_fft:
            raise ConfigError(
                f"features.target_length={self.target_length} is shorter than one window of "
                f"features.n_fft={self.n_fft} samples. Use {self.n_fft} or more, or a smaller features.n_fft."
            )

    def _check_coefficients(self) -> None:
        if self.name == "logmel":
            if self.n_mfcc is not None:
                raise ConfigError(
                    f"features.n_mfcc={self.n_mfcc} has no meaning under features=logmel, whose frames have "
                    "features.n_mels bands. Leave it out, or set features.n_mfcc=null; or use features=mfcc."
                )
            return
        if self.n_mfcc is None:
            raise ConfigError(
                f"features.n_mfcc=null: features=mfcc needs a number of coefficients, 1 to {self.n_mels} "
                "(features.n_mels). Without coefficients use features=logmel."
            )
        if type(self.n_mfcc) is int and self.n_mfcc > self.n_mels:
            raise ConfigError(
                f"features.n_mfcc={self.n_mfcc} is more than features.n_mels={self.n_mels}: so many mel bands give no "
                f"more coefficients. Use 1 to {self.n_mels}, or a larger features.n_mels."
            )
        _check_range("n_mfcc", self.n_mfcc, 1, self.n_mels)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the features of one recording: (frames, coefficients), or (frames, mel bands)."""
        frames = 1 + (self.target_length - self.n_fft % 2) // self.hop_length
        return frames, self.n_mels if self.n_mfcc is None else self.n_mfcc

    @property
    def seconds(self) -> float:
        """Length of the model's input in seconds."""
        return self.target_length / self.sample_rate

    @property
    def changed(self) -> dict[str, Any]:
        """All settings as plain values if one of them is not the published one; else empty."""
        return {} if self == PUBLISHED else asdict(self)

    @property
    def label(self) -> str:
        """Short description for people: the name and what is not published, for example ``mfcc n_mfcc=20``."""
        pairs = {field.name: (getattr(self, field.name), field.default) for field in fields(self)[1:]}
        other = [f"{name}={value}" for name, (value, usual) in pairs.items() if value not in (usual, None)]
        return " ".join([self.name, *other])


def _check_range(setting: str, value: object, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise ConfigError(
            f"features.{setting}={value} is invalid: it must be an integer from {low:,} to {high:,}. "
            f"The published value is {getattr(FeatureSettings, setting):,}."
        )


@lru_cache(maxsize=64)
def _most_bands(sample_rate: int, n_fft: int, n_mels: int) -> int:
    """Return `n_mels` if no band is empty, or else the largest smaller number of bands of which none is."""
    if (sample_rate, n_fft, n_mels) == (FeatureSettings.sample_rate, FeatureSettings.n_fft, FeatureSettings.n_mels):
        return n_mels  # without librosa, which takes a second to load
    settle_numba_cache()
    from librosa import fft_frequencies, mel_frequencies

    frequencies = fft_frequencies(sr=sample_rate, n_fft=n_fft)
    for bands in range(n_mels, 1, -1):
        edges = mel_frequencies(bands + 2, fmin=0.0, fmax=sample_rate / 2)
        within = np.searchsorted(frequencies, edges[2:], "left") - np.searchsorted(frequencies, edges[:-2], "right")
        if within.min() > 0:
            return bands
    return 1


PUBLISHED = FeatureSettings()
"""The settings of the published study."""
