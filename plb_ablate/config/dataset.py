"""Settings of the recordings: a corpus of the package by its name."""

from dataclasses import dataclass

from omegaconf import MISSING

from plb_ablate.core.paths import expand_path

__all__ = ["Dataset"]


@dataclass
class Dataset:
    """The recordings to use.

    Parameters
    ----------
    name : str
        ``emodb``, ``ravdess``, ``iemocap`` or ``synthetic``.
    root : str
        Folder of the corpus, as distributed or as it is commonly unpacked.
    complete : bool
        Whether a corpus that lacks published utterances is an error; otherwise the part that is there is used, with a
        warning.
    """

    name: str = MISSING
    root: str = MISSING
    complete: bool = False

    def __post_init__(self) -> None:
        self.root = expand_path(self.root, "dataset.root")
