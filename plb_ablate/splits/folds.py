"""The folds of a corpus under each protocol.

Four protocols:

- ``published``: shuffled k-fold over the utterances in the published order, without a validation split. Speakers are
  shared between splits, and the epoch is selected on the test split, so scores are optimistic.
- ``nested``: the same test splits; a fraction of the training data, stratified by class, is the validation split, on
  which the epoch is selected.
- ``speaker``: speakers are divided into groups (`Corpus.grouping`). In each fold one group is the test split, the next
  group is the validation split, and the others are the training split. No speaker is in two splits of a fold.
- ``predefined``: the corpus says which fold tests an utterance (`Utterance.fold`); the others are the training split.
  There is no validation split.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from natsort import natsorted
from numpy.typing import NDArray

from plb_ablate.config.protocol import FEWEST_GROUPS, Protocol
from plb_ablate.core.errors import ProtocolError
from plb_ablate.core.seeding import derive_seed
from plb_ablate.data.corpus import Corpus, Grouping

__all__ = ["Fold", "make_folds"]

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold of a corpus; each array contains ascending indices into ``corpus.utterances``.

    Parameters
    ----------
    index : int
        Index of the fold, from 0.
    train, validation, test : int64 array
        The three splits; `validation` is empty under ``published`` and ``predefined``.
    """

    index: int
    train: Indices
    validation: Indices
    test: Indices

    @property
    def sides(self) -> dict[str, Indices]:
        """The splits that are not empty, by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: side for name, side in named.items() if side.size}


def make_folds(corpus: Corpus, protocol: Protocol) -> list[Fold]:
    """Divide `corpus` into the folds of `protocol`.

    The result depends on the corpus and the protocol only, not on the state of any random generator.

    Returns
    -------
    list of Fold
        No split of the protocol is empty, and every training split contains all classes of the corpus. Every utterance
        is in the test split of exactly one fold.

    Raises
    ------
    ProtocolError
        If the corpus has too few utterances or speakers, or a training split would lack a class.
    """
    makers = {"speaker": _speaker_folds, "predefined": _predefined_folds}
    folds = makers.get(protocol.name, _utterance_folds)(corpus, protocol)
    for fold in folds:
        _check(fold, corpus, protocol)
    return folds


def _utterance_folds(corpus: Corpus, protocol: Protocol) -> list[Fold]:
    from sklearn.model_selection import KFold  # imported here: a report reads folds, but makes none

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
    """Divide the training data of one fold into a training and a validation split, stratified by class."""
    from sklearn.model_selection import train_test_split

    try:
        kept, validation = train_test_split(
            train,
            test_size=protocol.validation_fraction,
            stratify=corpus.labels[train],
            random_state=derive_seed(protocol.random_state, index, "validation"),
        )
    except ValueError as error:
        raise ProtocolError(
            f"Fold {index} of {corpus.name} has {train.size} training utterances, from which no validation split with "
            f"protocol.validation_fraction={protocol.validation_fraction:.3g}, stratified by class, can be made "
            f"({error}) Use more recordings, fewer folds or another protocol.validation_fraction."
        ) from None
    return np.sort(kept), np.sort(validation)


def _one_each(corpus: Corpus, n_splits: int) -> list[list[str]]:
    """Make each speaker a group."""
    return [[speaker] for speaker in sorted(set(corpus.speakers.tolist()))]


def _sessions(corpus: Corpus, n_splits: int) -> list[list[str]]:
    """Make the speakers of each session a group."""
    sessions = sorted({utterance.session for utterance in corpus.utterances})
    return [sorted({u.speaker for u in corpus.utterances if u.session == session}) for session in sessions]


def _balanced(corpus: Corpus, n_splits: int) -> list[list[str]]:
    """Make groups with equal numbers of speakers of each gender; as near to `n_splits` groups as this allows.

    If no number of groups divides the speakers of every gender evenly, groups differ by at most one speaker per gender.
    """
    gender = {utterance.speaker: utterance.gender for utterance in corpus.utterances}
    speakers = [[s for s in sorted(gender) if gender[s] == g] for g in sorted(set(gender.values()))]
    fewest = min(map(len, speakers), default=0)
    common = math.gcd(*map(len, speakers))
    equal = [groups for groups in range(FEWEST_GROUPS, common + 1) if common % groups == 0]
    n_groups = min(equal, key=lambda groups: (abs(groups - n_splits), -groups), default=min(n_splits, fewest))
    return [[s for one_gender in speakers for s in one_gender[i::n_groups]] for i in range(n_groups)]


_GROUPS: dict[Grouping, Callable[[Corpus, int], list[list[str]]]] = {
    "speaker": _one_each,
    "session": _sessions,
    "gender": _balanced,
}
"""How speakers are grouped under ``speaker``; all speakers of a group are in the same split."""

_A_GROUP = {
    "speaker": "a group is one speaker",
    "session": "a group is the speakers of a session",
    "gender": "groups have equal numbers of each gender",
}


def _speaker_groups(corpus: Corpus, n_splits: int) -> Sequence[Sequence[str]]:
    if not corpus.grouping:
        raise ProtocolError(
            f"protocol=speaker needs the speakers of {corpus.name}, which are unknown. Give them (column `speaker` in "
            f"dataset.file, or dataset.speaker_pattern), or use protocol=nested."
        )
    groups = _GROUPS[corpus.grouping](corpus, n_splits)
    if len(groups) < FEWEST_GROUPS:
        raise ProtocolError(
            f"{corpus.name} has {len(set(corpus.speakers.tolist()))} speakers in {corpus.root}, which form "
            f"{len(groups)} groups; protocol=speaker needs {FEWEST_GROUPS} or more, for the test, validation and "
            f"training splits ({_A_GROUP[corpus.grouping]}). "
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


def _predefined_folds(corpus: Corpus, protocol: Protocol) -> list[Fold]:
    """Make the folds that the corpus names, in the natural order of the names."""
    named = np.array([utterance.fold for utterance in corpus.utterances], dtype=np.str_)
    names = natsorted(set(named.tolist()))
    if len(names) < 2 or "" in names:
        raise ProtocolError(
            f"protocol=predefined needs the folds of {corpus.name}: for every utterance the name of the fold that "
            f"tests it, two or more (column `fold` in dataset.file). Give them, or use another protocol."
        )
    parts = [(np.flatnonzero(named != name), np.flatnonzero(named == name)) for name in names]
    return [
        Fold(i, train.astype(np.int64), np.empty(0, np.int64), test.astype(np.int64))
        for i, (train, test) in enumerate(parts)
    ]


def _check(fold: Fold, corpus: Corpus, protocol: Protocol) -> None:
    """Raise an error if a training split lacks a class, or if splits of ``speaker`` share speakers."""
    where = f"Fold {fold.index} of {corpus.name} under protocol={protocol.name}"
    missing = np.setdiff1d(corpus.labels, corpus.labels[fold.train])
    if missing.size:
        names = ", ".join(corpus.classes[label] for label in missing)
        raise ProtocolError(f"{where} has no training utterances of {names}. Use more recordings or fewer folds.")
    if protocol.name == "speaker":
        speakers = [speaker for side in fold.sides.values() for speaker in set(corpus.speakers[side].tolist())]
        shared = sorted({speaker for speaker in speakers if speakers.count(speaker) > 1})
        if shared:
            raise ProtocolError(f"{where} has speakers in two splits: {', '.join(shared)}.")
