"""The data types that every corpus reader returns: one utterance, and the corpus of all utterances."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from plb_ablate.data.reference_counts import ReferenceCounts

__all__ = ["Corpus", "Grouping", "Utterance"]

Grouping = Literal["", "speaker", "session", "gender"]
"""How ``protocol=speaker`` groups speakers: each of them, those of a session, or as many of each gender; empty if the
speakers are unknown."""


@dataclass(frozen=True)
class Utterance:
    """One recording of one speaker.

    Parameters
    ----------
    path : Path
        Audio file.
    label : int
        Index of the class in the classes of the corpus.
    speaker : str
        Identifier of the speaker; for IEMOCAP the session and the gender of the turn (``Ses01F``). Empty if unknown.
    session : str
        Recording session; the speaker if the corpus has no sessions.
    gender : str
        ``F``, ``M``, or empty if the corpus does not provide it.
    official_path : str
        Path of the recording in the official layout, with forward slashes, wherever `path` really lies; empty if that
        is its path relative to the root of the corpus.
    fold : str
        Name of the fold that tests it under ``protocol=predefined``; empty if the corpus has no folds of its own.
    """

    path: Path
    label: int
    speaker: str
    session: str
    gender: str = ""
    official_path: str = ""
    fold: str = ""


@dataclass(frozen=True)
class Corpus:
    """The utterances of one corpus in published order.

    Parameters
    ----------
    name : str
        Name of the corpus, as in ``dataset=<name>``.
    root : Path
        Folder of the corpus.
    classes : tuple of str
        Class names in label order: the position is the label.
    utterances : tuple of Utterance
        In the order from which the published folds are made.
    notes : tuple of str
        Sentences on what was read, if the folder is not laid out as distributed.
    grouping : str
        How its speakers are grouped under ``protocol=speaker``, one of `Grouping`.
    reference : ReferenceCounts, optional
        Published counts; None if nothing is published of the corpus.
    """

    name: str
    root: Path
    classes: tuple[str, ...]
    utterances: tuple[Utterance, ...]
    notes: tuple[str, ...] = ()
    grouping: Grouping = ""
    reference: ReferenceCounts | None = None

    @property
    def labels(self) -> NDArray[np.int64]:
        """Label of each utterance, int64 of shape (n,)."""
        return np.array([utterance.label for utterance in self.utterances], dtype=np.int64)

    @property
    def speakers(self) -> NDArray[np.str_]:
        """Speaker of each utterance, str of shape (n,)."""
        return np.array([utterance.speaker for utterance in self.utterances], dtype=np.str_)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Audio file of each utterance."""
        return tuple(utterance.path for utterance in self.utterances)

    @property
    def relative_paths(self) -> tuple[str, ...]:
        """Path of each utterance in the official layout, with forward slashes on every platform.

        It identifies the utterance however the corpus was unpacked.
        """
        return tuple(u.official_path or u.path.relative_to(self.root).as_posix() for u in self.utterances)
