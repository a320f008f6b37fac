"""Speakers, sentences and emotions of the synthetic corpus: six voices, six sentences, four speaking styles.

The emotions differ in pitch level, pitch range, contour, speaking rate, energy and spectral tilt, as reviewed by K. R.
Scherer (Speech Communication 40, 2003). Variation between speakers and between utterances makes the classes overlap.
"""

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from plb_ablate.data.synthetic.formant_synthesis import Delivery, Voice, speak

__all__ = ["EMOTIONS", "SENTENCES", "SPEAKERS", "perform"]

EMOTIONS = {
    "anger": Delivery(pitch=3.5, span=5.0, slope=-1.0, rate=1.22, gain=8.0, tilt=3000, jitter=0.03),
    "happiness": Delivery(pitch=5.5, span=6.0, slope=2.0, rate=1.06, gain=3.0, tilt=1100, jitter=0.015),
    "neutral": Delivery(pitch=0.0, span=2.5, slope=-2.0, rate=1.00, gain=-1.0, tilt=600, jitter=0.01),
    "sadness": Delivery(pitch=-1.5, span=1.2, slope=-3.5, rate=0.80, gain=-7.0, tilt=300, jitter=0.02),
}
"""Mean speaking style of each emotion, in label order."""

SPREAD = Delivery(pitch=1.0, span=1.0, slope=1.2, rate=0.05, gain=1.2, tilt=0.13, jitter=0.25)
"""Standard deviation between utterances; half of it between speakers. For `RATIOS`, of the logarithm."""

RATIOS = ("rate", "tilt", "jitter")
STRENGTH = (0.75, 1.2)
"""Range of the emotion's intensity in an utterance: 0 is neutral, 1 is the value in `EMOTIONS`."""

SPEAKERS = {
    "01": ("F", Voice(pitch=205, tract=1.16, breath=0.06)),
    "02": ("M", Voice(pitch=112, tract=1.00, breath=0.03)),
    "03": ("F", Voice(pitch=188, tract=1.12, breath=0.04)),
    "04": ("M", Voice(pitch=128, tract=1.04, breath=0.05)),
    "05": ("F", Voice(pitch=228, tract=1.20, breath=0.05)),
    "06": ("M", Voice(pitch=98, tract=0.96, breath=0.02)),
}
"""Gender and voice of each speaker."""

SENTENCES = {
    "01": "ma te lo ki sa nu fe",
    "02": "so li ka - me nu ta fi lo",
    "03": "ta ni se lu - mo ka fe ti na lo",
    "04": "ke lo ma si - tu ne fa li ko",
    "05": "nu sa ti lo me - ka fi so le na tu mi",
    "06": "li fo ta ne su - ma ki lo te sa - nu fe ko li ma",
}
"""Syllables of each sentence."""

SEED = 98


def perform(speaker: str, emotion: str, sentence: str) -> NDArray[np.int16]:
    """Synthesise one utterance of the synthetic corpus.

    Parameters
    ----------
    speaker, emotion, sentence : str
        Keys of `SPEAKERS`, `EMOTIONS` and `SENTENCES`.

    Returns
    -------
    ndarray of int16, shape (samples,)
        Samples at `plb_ablate.data.synthetic.formant_synthesis.RATE`; identical on every call.
    """
    rng = np.random.default_rng([SEED, int(speaker), list(EMOTIONS).index(emotion), int(sentence)])
    habit = np.random.default_rng([SEED, int(speaker)])
    return speak(SPEAKERS[speaker][1], _delivery(emotion, habit, rng), SENTENCES[sentence].split(), rng)


def _delivery(emotion: str, habit: np.random.Generator, rng: np.random.Generator) -> Delivery:
    """Draw the style of one utterance: intensity of the emotion, variation of the speaker, random variation."""
    strength = rng.uniform(*STRENGTH)
    drawn = {}
    for field in fields(Delivery):
        calm, typical, spread = (getattr(way, field.name) for way in (EMOTIONS["neutral"], EMOTIONS[emotion], SPREAD))
        offset = spread * (0.5 * habit.standard_normal() + rng.standard_normal())
        if field.name in RATIOS:
            drawn[field.name] = calm * (typical / calm) ** strength * np.exp(offset)
        else:
            drawn[field.name] = calm + strength * (typical - calm) + offset
    return Delivery(**drawn)
