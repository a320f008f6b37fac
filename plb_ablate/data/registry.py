"""Every corpus by its name, as in ``dataset=<name>``."""

from pathlib import Path
from typing import Protocol

from plb_ablate.core.errors import ConfigError
from plb_ablate.data.corpora import emodb, iemocap, ravdess
from plb_ablate.data.corpus import Corpus, Utterance
from plb_ablate.data.reference_counts import ReferenceCounts
from plb_ablate.data.synthetic import corpus as synthetic

__all__ = ["READERS", "Corpus", "Reader", "ReferenceCounts", "Utterance", "read_corpus"]


class Reader(Protocol):
    """What a corpus file offers."""

    @property
    def CLASSES(self) -> tuple[str, ...]:  # noqa: N802
        """Class names; position is label index."""

    @property
    def REFERENCE_COUNTS(self) -> ReferenceCounts:  # noqa: N802
        """Published numbers, to check a folder against."""

    def list_utterances(self, root: Path) -> list[Utterance]:
        """List the utterances below `root` in published order."""


READERS: dict[str, Reader] = {"emodb": emodb, "ravdess": ravdess, "iemocap": iemocap, "synthetic": synthetic}
"""The readers by name of corpus, as in ``dataset=<name>``."""


def read_corpus(name: str, root: Path | str) -> Corpus:
    """Read the file names and labels of a corpus (no audio).

    Parameters
    ----------
    name : str
        A key of `READERS`.
    root : Path or str
        Folder of the corpus as its authors distribute it. That of ``synthetic`` is made if it is not there.

    Returns
    -------
    Corpus
        The utterances in the order that the published folds are made from.

    Raises
    ------
    ConfigError
        If `name` is not a corpus.
    CorpusError
        If the folder or a name in it is not as distributed.

    Examples
    --------
    >>> read_corpus("emodb", "data/emodb").classes  # doctest: +SKIP
    ('boredom', 'fear', 'disgust', 'happiness', 'sadness', 'anger', 'neutral')
    """
    if name not in READERS:
        raise ConfigError(f"dataset={name} is unknown. Use one of {', '.join(READERS)}.")
    folder = Path(root)
    if name == "synthetic":
        synthetic.ensure(folder)
    reader = READERS[name]
    return Corpus(name, folder, reader.CLASSES, tuple(reader.list_utterances(folder)))
