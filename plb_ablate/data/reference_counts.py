"""What is known of a corpus beforehand, to hold a folder against."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ReferenceCounts"]


@dataclass(frozen=True)
class ReferenceCounts:
    """What is published of a corpus; None is a number that nobody has published.

    Parameters
    ----------
    source : str
        Where they come from.
    classes : tuple of int
        Utterances of each class, in label order.
    speakers : mapping of str to int or None
        Every speaker, with the number of utterances.
    rate : int, optional
        Sampling rate of the recordings in Hz.
    cut : int, optional
        Recordings that fill the features' target length, so that they are cut instead of padded.
    copies : int, optional
        Recordings whose bytes are those of another one.
    genders : mapping of str to str
        Gender of each speaker, ``F`` or ``M``; empty where only the folder itself can say it.
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
        """Utterances of all classes."""
        return sum(self.classes)
