"""From recordings to features: loading, MFCCs, the cache, and a corpus made ready for training.

In: a `Corpus`. Out: float32 (utterances, 196 frames, 39 coefficients) with labels and speakers, in one file.
"""

from plb_ablate.features.coefficients import FeatureSettings, mfcc

__all__ = ["FeatureSettings", "mfcc"]
