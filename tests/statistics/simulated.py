"""Simulated studies without an effect of the module: the generative model of docs/statistics.md.

Each variant has one network for every seed and fold, which tests the utterances of its fold. Network t answers
utterance i of speaker g right with probability Phi(MEAN + u_i + v_g + a_t + b_tg): the difficulty of utterances and
speakers is shared by all networks, the quality of a network and its dealings with a speaker are drawn anew for each
training. The two variants are drawn alike, so that the module has no effect on the method; two trained networks differ
all the same.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from plb_ablate.statistics.answers import Answers

MEAN = 0.6
UTTERANCES, SPEAKERS, TRAININGS, DEALINGS = 1.0, 0.4, 0.15, 0.2
"""Standard deviations of u, v, a and b."""

CLASSES = 7


@dataclass
class Simulated:
    """A study, and the true difference of its networks over the population of utterances and speakers."""

    reference: Answers
    variant: Answers
    target: float


def simulate(rng: np.random.Generator, n: int, speakers: int, folds: int = 10, seeds: int = 1) -> Simulated:
    """Draw a study of `n` utterances."""
    speaker, fold = rng.integers(0, speakers, n), rng.permutation(np.arange(n) % folds)
    difficulty = MEAN + rng.normal(0, UTTERANCES, n) + rng.normal(0, SPEAKERS, speakers)[speaker]
    labels = np.arange(n) % CLASSES
    shares = np.bincount(fold, minlength=folds) / n
    spread = np.sqrt(1 + UTTERANCES**2 + SPEAKERS**2 + DEALINGS**2)
    answers, accuracies = [], []
    for _ in range(2):
        quality = rng.normal(0, TRAININGS, (seeds, folds))
        dealings = rng.normal(0, DEALINGS, (seeds, folds, speakers))
        chance = norm.cdf(difficulty + quality[:, fold] + dealings[:, fold, speaker])
        right = rng.random((seeds, n)) < chance
        predicted = np.where(right, labels, (labels + 1) % CLASSES)
        answers.append(Answers(labels, predicted, fold, speaker.astype(str)))
        accuracies.append(float((norm.cdf((MEAN + quality) / spread) @ shares).mean()))
    return Simulated(answers[0], answers[1], accuracies[0] - accuracies[1])
