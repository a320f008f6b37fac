"""From recordings to features: MFCCs or log-mel spectrograms, their cache on disk, a corpus prepared for training.

In: a `Corpus`; its recordings are decoded here. Out: features, float32 (utterances, frames, coefficients), with labels
and speakers, in one file.
"""

from plb_ablate.features.coefficients import FeatureSettings, features_of, mfcc

__all__ = ["FeatureSettings", "features_of", "mfcc"]
