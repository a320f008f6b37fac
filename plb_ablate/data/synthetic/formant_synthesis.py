"""A small formant synthesiser: converts syllables, a voice and a speaking style to a waveform.

Source-filter model after D. H. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67, 1980: glottal
pulses and aspiration pass through a cascade of formant resonators; noise for fricatives and bursts is added to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONSONANTS", "RATE", "VOWELS", "Delivery", "Voice", "speak"]

RATE = 16_000
"""Sampling rate in Hz."""

FRAME = 160
"""Samples between two updates of the resonators (10 ms)."""

TRANSFORM = 512
"""FFT length for filtering: two frames, and room for the decay of the formants."""

VOWELS = {
    "a": (730, 1090, 2440, 3400),
    "e": (530, 1840, 2480, 3500),
    "i": (270, 2290, 3010, 3600),
    "o": (570, 840, 2410, 3300),
    "u": (300, 870, 2240, 3300),
}
"""Formants of an adult man in Hz (G. E. Peterson and H. L. Barney, JASA 24, 1952)."""

CONSONANTS = {
    "m": (0.070, 0.35, 0.00, 0),
    "n": (0.065, 0.35, 0.00, 0),
    "l": (0.060, 0.50, 0.00, 0),
    "s": (0.110, 0.00, 0.12, 0),
    "f": (0.090, 0.00, 0.05, 1),
    "t": (0.075, 0.00, 0.25, 1),
    "k": (0.080, 0.00, 0.25, 2),
}
"""Duration in seconds, voicing, noise level (1 is the peak of a vowel) and noise band; stops are silent before their
burst."""

STOPS = "tk"
NASAL = (260, 1050, 2200, 3200)
BANDS = ((4200, 7500), (2500, 7000), (1200, 3200))
BANDWIDTHS = np.array([70.0, 90.0, 140.0, 220.0])


@dataclass(frozen=True)
class Voice:
    """Voice of a speaker.

    Parameters
    ----------
    pitch : float
        Median fundamental frequency in Hz.
    tract : float
        Factor for all formants; larger for a shorter vocal tract.
    breath : float
        Level of the aspiration noise added to the glottal pulses.
    """

    pitch: float
    tract: float
    breath: float


@dataclass(frozen=True)
class Delivery:
    """Speaking style of one utterance.

    Parameters
    ----------
    pitch : float
        Shift of the fundamental frequency in semitones.
    span : float
        Size of the pitch accents in semitones.
    slope : float
        Pitch change from the beginning to the end in semitones.
    rate : float
        Factor for the speaking rate.
    gain : float
        Level in dB relative to -26 dBFS.
    tilt : float
        Cut-off frequency of the glottal source in Hz; lower sounds softer.
    jitter : float
        Relative irregularity of the glottal periods.
    """

    pitch: float
    span: float
    slope: float
    rate: float
    gain: float
    tilt: float
    jitter: float


@dataclass(frozen=True)
class _Tracks:
    """Parameters of the synthesis, one row per frame; `formants` is (frames, 4), `noise` is (frames, bands)."""

    voicing: NDArray[np.float64]
    noise: NDArray[np.float64]
    formants: NDArray[np.float64]
    accent: NDArray[np.float64]


def speak(voice: Voice, delivery: Delivery, syllables: Sequence[str], rng: np.random.Generator) -> NDArray[np.int16]:
    """Synthesise one utterance.

    Parameters
    ----------
    voice, delivery : Voice, Delivery
        Speaker and speaking style.
    syllables : sequence of str
        Each is one consonant and one vowel, or ``-`` for a pause.
    rng : numpy.random.Generator
        Source of all random variation.

    Returns
    -------
    ndarray of int16, shape (samples,)
        Samples at `RATE`, with a short silence at both ends.
    """
    tracks = _score(delivery, syllables, rng)
    pitch = _pitch(voice, delivery, tracks, rng)
    source = _glottis(voice, delivery, pitch, tracks.voicing, rng)
    wave = _vocal_tract(source, tracks.formants * voice.tract) + _friction(tracks.noise, rng)
    level = 10 ** ((delivery.gain - 26) / 20)
    wave *= level / np.sqrt(np.mean(wave**2))
    wave += 10 ** (-68 / 20) * rng.standard_normal(wave.size)
    return np.round(32767 * np.clip(wave, -1, 1)).astype(np.int16)


def _score(delivery: Delivery, syllables: Sequence[str], rng: np.random.Generator) -> _Tracks:
    """Arrange the syllables in time and smooth the transitions between sounds."""
    rest = np.array(VOWELS["e"], dtype=float)
    rows: list[tuple[int, float, tuple[float, float, float], NDArray[np.float64], float]] = []

    def add(
        seconds: float, voicing: float, noise: float, band: int, formants: NDArray[np.float64], accent: float
    ) -> None:
        frames = max(1, round(seconds / delivery.rate * rng.uniform(0.85, 1.15) * RATE / FRAME))
        levels = [noise if index == band else 0.0 for index in range(len(BANDS))]
        rows.append((frames, voicing, (levels[0], levels[1], levels[2]), formants, accent))

    add(0.12 * delivery.rate, 0, 0, 0, rest, 0)
    for index, syllable in enumerate(syllables):
        if syllable == "-":
            add(0.20, 0, 0, 0, rest, 0)
            continue
        consonant, vowel = syllable[0], syllable[1]
        seconds, voicing, noise, band = CONSONANTS[consonant]
        target = np.array(VOWELS[vowel]) * rng.normal(1, 0.03, 4)
        stressed = float(index % 3 == 1)
        if consonant in STOPS:
            add(seconds * 0.7, 0, 0, 0, target, stressed)
            add(seconds * 0.3, 0, noise, band, target, stressed)
        else:
            add(seconds, voicing, noise, band, np.array(NASAL) if consonant in "mn" else target, stressed)
        add(0.115 + 0.05 * stressed, 0.8 + 0.2 * stressed, 0, 0, target, stressed)
    add(0.12 * delivery.rate, 0, 0, 0, rest, 0)
    counts = [row[0] for row in rows]
    return _Tracks(
        voicing=_smooth(np.repeat([row[1] for row in rows], counts), 3),
        noise=_smooth(np.repeat([row[2] for row in rows], counts, axis=0), 3),
        formants=_smooth(np.repeat([row[3] for row in rows], counts, axis=0), 5),
        accent=_smooth(np.repeat([row[4] for row in rows], counts), 11),
    )


def _smooth(track: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Average over `width` frames (odd), repeating the values at both ends."""
    half = width // 2
    padded = np.concatenate([np.repeat(track[:1], half, axis=0), track, np.repeat(track[-1:], half, axis=0)])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, width, axis=0).mean(axis=-1))


def _pitch(voice: Voice, delivery: Delivery, tracks: _Tracks, rng: np.random.Generator) -> NDArray[np.float64]:
    """Fundamental frequency in Hz, one value per frame: declination, accents and slow random variation."""
    time = np.linspace(0, 1, tracks.accent.size)
    wander = _smooth(rng.standard_normal(time.size), 21) * 2
    semitones = delivery.pitch + delivery.slope * (time - 0.5) + delivery.span * (tracks.accent - 0.35 + 0.3 * wander)
    return voice.pitch * 2 ** (semitones / 12)


def _glottis(
    voice: Voice,
    delivery: Delivery,
    pitch: NDArray[np.float64],
    voicing: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Glottal pulses (A. E. Rosenberg, JASA 49, 1971) with jitter, aspiration noise and spectral tilt."""
    from scipy.signal import lfilter

    samples = np.arange(pitch.size * FRAME) / FRAME
    frames = np.arange(pitch.size)
    irregular = pitch * (1 + delivery.jitter * rng.standard_normal(pitch.size))
    phase = np.cumsum(np.interp(samples, frames, irregular)) / RATE % 1.0
    opening = 0.5 * (1 - np.cos(np.pi * phase / 0.4))
    closing = np.cos(np.pi * (phase - 0.4) / 0.4)
    flow = np.where(phase < 0.4, opening, np.where(phase < 0.6, closing, 0.0))
    flow += voice.breath * rng.standard_normal(flow.size) * (0.3 + flow)
    decay = np.exp(-2 * np.pi * delivery.tilt / RATE)
    tilted = lfilter([1 - decay], [1, -decay], np.diff(flow, prepend=0.0))
    return np.asarray(tilted * np.interp(samples, frames, voicing))


def _vocal_tract(source: NDArray[np.float64], formants: NDArray[np.float64]) -> NDArray[np.float64]:
    """Filter `source` with a cascade of resonators, updated every frame with cross-fading between frames."""
    window = 0.5 - 0.5 * np.cos(np.pi * (np.arange(2 * FRAME) + 0.5) / FRAME)
    pieces = np.lib.stride_tricks.sliding_window_view(np.pad(source, FRAME // 2), 2 * FRAME)[::FRAME] * window
    delay = np.exp(-2j * np.pi * np.fft.rfftfreq(TRANSFORM))
    radius = np.exp(-np.pi * BANDWIDTHS / RATE)
    poles = -2 * radius * np.cos(2 * np.pi * formants / RATE)
    response = np.ones((len(formants), delay.size), dtype=np.complex128)
    for pole, product in zip(poles.T, radius**2, strict=True):
        response *= (1 + pole + product)[:, None] / (1 + pole[:, None] * delay + product * delay**2)
    spoken = np.fft.irfft(np.fft.rfft(pieces, TRANSFORM) * response, TRANSFORM)
    wave = np.zeros(source.size + TRANSFORM)
    for index, piece in enumerate(spoken):
        wave[index * FRAME : index * FRAME + TRANSFORM] += piece
    wave = wave[FRAME // 2 : FRAME // 2 + source.size]
    return np.asarray(wave / (np.abs(wave).max() + 1e-9))


def _friction(noise: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Band-pass noise for fricatives and bursts; `noise` is (frames, bands)."""
    from scipy.signal import sosfilt

    frames = np.arange(len(noise))
    samples = np.arange(len(noise) * FRAME) / FRAME
    total = np.zeros(samples.size, dtype=np.float64)
    for index, band in enumerate(_bands()):
        hiss = sosfilt(band, rng.standard_normal(samples.size))
        total += hiss * np.interp(samples, frames, noise[:, index])
    return total


@cache
def _bands() -> list[NDArray[np.float64]]:
    from scipy.signal import butter

    return [butter(2, band, "bandpass", fs=RATE, output="sos") for band in BANDS]
