"""How a corpus is cut into folds, and which rules may choose the epoch that is scored.

Three protocols:

- ``published``: shuffled k-fold over the utterances in published order, no validation part. Folds mix speakers, and the
  epoch is chosen on the test fold, which is optimistic.
- ``nested``: the same test folds; part of the training data, stratified by class, is kept apart to choose the epoch.
- ``speaker``: speakers are dealt into groups (`SPEAKER_GROUPS`); each group is the test part once, the next group in
  rotation is the validation part, and the others train. No speaker is on two sides.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, train_test_split

from plb_ablate.config.protocol import FEWEST_GROUPS, Protocol
from plb_ablate.core.errors import ProtocolError
from plb_ablate.core.seeding import derive_seed
from plb_ablate.data.corpus import Corpus

__all__ = ["SPEAKER_GROUPS", "Fold", "make_folds"]

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fold:
    """One division of a corpus; each array holds ascending indices into ``corpus.utterances``.

    Parameters
    ----------
    index : int
        Number of the fold, from 0.
    train, validation, test : int64 array
        The three sides; `validation` is empty under ``published``.
    """

    index: int
    train: Indices
    validation: Indices
    test: Indices

    @property
    def sides(self) -> dict[str, Indices]:
        """The sides that hold utterances, by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: side for name, side in named.items() if side.size}


def make_folds(corpus: Corpus, protocol: Protocol) -> list[Fold]:
    """Cut `corpus` into the folds of `protocol`.

    The same corpus and protocol always give the same folds, whatever was drawn before.

    Returns
    -------
    list of Fold
        In every one of them each side that the protocol promises holds utterances and training knows every class that
        the corpus holds. Every utterance is in exactly one test part.

    Raises
    ------
    ProtocolError
        If the corpus has too few utterances or speakers, or a training part would lack a class.
    """
    folds = _speaker_folds(corpus, protocol) if protocol.name == "speaker" else _utterance_folds(corpus, protocol)
    for fold in folds:
        _check(fold, corpus, protocol)
    return folds


def _utterance_folds(corpus: Corpus, protocol: Protocol) -> list[Fold]:
    n = len(corpus.utterances)
    if n < protocol.n_splits:
        raise ProtocolError(
            f"{corpus.name} has {n} utterances, fewer than protocol.n_splits={protocol.n_splits}. "
            f"Use more recordings or fewer folds."
        )
    cut = KFold(protocol.n_splits, shuffle=True, random_state=protocol.random_state).split(np.arange(n))
    parts = [(train.astype(np.int64), test.astype(np.int64)) for train, test in cut]
    if protocol.name == "published":
        return [Fold(i, train, np.empty(0, np.int64), test) for i, (train, test) in enumerate(parts)]
    return [Fold(i, *_nested_parts(train, corpus, protocol, i), test) for i, (train, test) in enumerate(parts)]


def _nested_parts(train: Indices, corpus: Corpus, protocol: Protocol, index: int) -> tuple[Indices, Indices]:
    """Split one fold's training data into what trains and what validates, the classes in equal shares."""
    try:
        kept, validation = train_test_split(
            train,
            test_size=protocol.validation_fraction,
            stratify=corpus.labels[train],
            random_state=derive_seed(protocol.random_state, index, "validation"),
        )
    except ValueError as error:
        raise ProtocolError(
            f"Fold {index} of {corpus.name} has {train.size} utterances to train with, of which no part of "
            f"{protocol.validation_fraction:.3g}, stratified by class, can be kept to validate ({error}) "
            f"Use more recordings, fewer folds or another protocol.validation_fraction."
        ) from None
    return np.sort(kept), np.sort(validation)


def _one_each(corpus: Corpus, n_splits: int) -> list[list[str]]:
    """Make every speaker a group."""
    return [[speaker] for speaker in sorted(set(corpus.speakers.tolist()))]


def _sessions(corpus: Corpus, n_splits: int) -> list[list[str]]:
    """Make all the speakers of a session a group."""
    sessions = sorted({utterance.session for utterance in corpus.utterances})
    return [sorted({u.speaker for u in corpus.utterances if u.session == session}) for session in sessions]


def _balanced(corpus: Corpus, n_splits: int) -> list[list[str]]:
    """Deal groups with equally many speakers of each gender, their number as near to `n_splits` as that allows.

    Where no number of groups divides every gender, groups differ by at most one speaker of a gender.
    """
    gender = {utterance.speaker: utterance.gender for utterance in corpus.utterances}
    speakers = [[s for s in sorted(gender) if gender[s] == g] for g in sorted(set(gender.values()))]
    fewest = min(map(len, speakers), default=0)
    common = math.gcd(*map(len, speakers))
    equal = [groups for groups in range(FEWEST_GROUPS, common + 1) if common % groups == 0]
    n_groups = min(equal, key=lambda groups: (abs(groups - n_splits), -groups), default=min(n_splits, fewest))
    return [[s for one_gender in speakers for s in one_gender[i::n_groups]] for i in range(n_groups)]


SPEAKER_GROUPS: dict[str, Callable[[Corpus, int], list[list[str]]]] = {
    "emodb": _one_each,
    "iemocap": _sessions,
    "ravdess": _balanced,
    "synthetic": _balanced,
}
"""How each corpus's speakers are grouped under ``speaker``; a group is tested, then validates, as a whole.

EMO-DB leaves one of 10 speakers out and IEMOCAP one of 5 sessions (a man and a woman). RAVDESS has 12 men and 12 women,
whom 10 folds cannot hold in equal numbers: with ``n_splits=10`` it gives 12 folds of one man and one woman, the common
divisor nearest to 10. Six actors give 3 such folds. The synthetic corpus follows the same rule.
"""


def _speaker_groups(corpus: Corpus, n_splits: int) -> Sequence[Sequence[str]]:
    if corpus.name not in SPEAKER_GROUPS:
        raise ProtocolError(
            f"protocol=speaker does not know how to group the speakers of {corpus.name}. "
            f"It knows {', '.join(SPEAKER_GROUPS)}."
        )
    groups = SPEAKER_GROUPS[corpus.name](corpus, n_splits)
    if len(groups) < FEWEST_GROUPS:
        raise ProtocolError(
            f"{corpus.name} has {len(set(corpus.speakers.tolist()))} speakers below {corpus.root}, which make "
            f"{len(groups)} groups; protocol=speaker needs {FEWEST_GROUPS} or more to test, validate and train apart "
            f"(IEMOCAP: sessions; RAVDESS and synthetic: as many men and as many women). "
            f"Add speakers, or use protocol=nested."
        )
    return groups


def _speaker_folds(corpus: Corpus, protocol: Protocol) -> list[Fold]:
    groups = _speaker_groups(corpus, protocol.n_splits)
    members = [np.flatnonzero(np.isin(corpus.speakers, group)).astype(np.int64) for group in groups]
    folds = []
    for i, test in enumerate(members):
        nearby = (i, (i + 1) % len(members))
        train = np.sort(np.concatenate([part for j, part in enumerate(members) if j not in nearby]))
        folds.append(Fold(i, train, members[nearby[1]], test))
    return folds


def _check(fold: Fold, corpus: Corpus, protocol: Protocol) -> None:
    """Refuse a fold that cannot be trained, or that breaks its protocol's promise."""
    where = f"Fold {fold.index} of {corpus.name} under protocol={protocol.name}"
    missing = np.setdiff1d(corpus.labels, corpus.labels[fold.train])
    if missing.size:
        names = ", ".join(corpus.classes[label] for label in missing)
        raise ProtocolError(f"{where} would train without the class {names}. Use more recordings or fewer folds.")
    if protocol.name == "speaker":
        speakers = [speaker for side in fold.sides.values() for speaker in set(corpus.speakers[side].tolist())]
        shared = sorted({speaker for speaker in speakers if speakers.count(speaker) > 1})
        if shared:
            raise ProtocolError(f"{where} would have speakers on two sides: {', '.join(shared)}.")
