"""Published counts of a corpus, against which a folder is checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ReferenceCounts"]


@dataclass(frozen=True)
class ReferenceCounts:
    """Published counts of a corpus; None if a number is not published.

    Parameters
    ----------
    source : str
        Where the counts are published.
    classes : tuple of int
        Number of utterances of each class, in label order.
    speakers : mapping of str to int or None
        Number of utterances of every speaker.
    rate : int, optional
        Sampling rate of the recordings in Hz.
    cut : int, optional
        Recordings as long as the target length of the features or longer: they are cut instead of padded.
    copies : int, optional
        Recordings that are byte-identical to another one.
    genders : mapping of str to str
        Gender of each speaker, ``F`` or ``M``; empty if only the folder provides it.
    """

    source: str
    classes: tuple[int, ...]
    speakers: Mapping[str, int | None]
    rate: int | None = None
    cut: int | None = None
    copies: int | None = None
    genders: Mapping[str, str] = field(default_factory=dict)

    @property
    def utterances(self) -> int:
        """Number of utterances of all classes."""
        return sum(self.classes)
