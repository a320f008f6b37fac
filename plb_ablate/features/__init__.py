"""From recordings to features: MFCCs, their cache on disk, and a corpus prepared for training.

In: a `Corpus`; its recordings are decoded here. Out: features, float32 (utterances, 196 frames, 39 coefficients), with
labels and speakers, in one file.
"""

from plb_ablate.features.coefficients import FeatureSettings, mfcc

__all__ = ["FeatureSettings", "mfcc"]
