"""The record that every corpus reader gives: one utterance, and the corpus they form."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Corpus", "Utterance"]


@dataclass(frozen=True)
class Utterance:
    """One recording of one speaker.

    Parameters
    ----------
    path : Path
        The recording.
    label : int
        Index into the corpus's classes.
    speaker : str
        Who speaks; for IEMOCAP the session and the gender of the turn (``Ses01F``).
    session : str
        Recording session; the speaker where a corpus has none.
    gender : str
        ``F``, ``M``, or empty where the corpus does not say.
    """

    path: Path
    label: int
    speaker: str
    session: str
    gender: str = ""


@dataclass(frozen=True)
class Corpus:
    """The utterances of one corpus in published order.

    Parameters
    ----------
    name : str
        Name of the corpus, as in ``dataset=<name>``.
    root : Path
        Folder that was read.
    classes : tuple of str
        Class names; position is label index.
    utterances : tuple of Utterance
        In the order that the published folds are made from.
    """

    name: str
    root: Path
    classes: tuple[str, ...]
    utterances: tuple[Utterance, ...]

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
        """Recording of each utterance."""
        return tuple(utterance.path for utterance in self.utterances)

    @property
    def relative_paths(self) -> tuple[str, ...]:
        """Recording of each utterance below `root`, with forward slashes on every system."""
        return tuple(path.relative_to(self.root).as_posix() for path in self.paths)
