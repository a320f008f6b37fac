"""All corpus readers by the name used in ``dataset=<name>``."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from plb_ablate.core.errors import ConfigError
from plb_ablate.data.copies import without_copies
from plb_ablate.data.corpora import emodb, iemocap, ravdess
from plb_ablate.data.corpus import Corpus, Grouping, Utterance
from plb_ablate.data.reference_counts import ReferenceCounts
from plb_ablate.data.synthetic import corpus as synthetic

if TYPE_CHECKING:
    from plb_ablate.config.dataset import Dataset

__all__ = ["READERS", "Corpus", "Reader", "ReferenceCounts", "Utterance", "read_corpus", "read_dataset"]


class Reader(Protocol):
    """Interface of the modules of `plb_ablate.data.corpora`."""

    @property
    def CLASSES(self) -> tuple[str, ...]:  # noqa: N802
        """Class names in label order: the position is the label."""

    @property
    def GROUPING(self) -> Grouping:  # noqa: N802
        """How ``protocol=speaker`` groups the speakers."""

    @property
    def REFERENCE_COUNTS(self) -> ReferenceCounts:  # noqa: N802
        """Published counts, against which a folder is checked."""

    def list_utterances(self, root: Path) -> list[Utterance]:
        """List the utterances in `root` in the published order; copies of a recording may follow it."""


READERS: dict[str, Reader] = {"emodb": emodb, "ravdess": ravdess, "iemocap": iemocap, "synthetic": synthetic}
"""The readers by the name used in ``dataset=<name>``."""


def read_corpus(name: str, root: Path | str) -> Corpus:
    """Read the file names and labels of a corpus, without decoding audio.

    Parameters
    ----------
    name : str
        A key of `READERS`.
    root : Path or str
        Folder of the corpus, as distributed or as it is commonly unpacked. The ``synthetic`` corpus is created if it is
        missing.

    Returns
    -------
    Corpus
        The utterances in the order from which the published folds are made; a recording that lies there several times
        is in it once.

    Raises
    ------
    ConfigError
        If `name` is not a key of `READERS`.
    CorpusError
        If the folder or a file name differs from the official distribution, or files of the same name differ.

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
    utterances, notes = without_copies(name, folder, reader.list_utterances(folder))
    return Corpus(name, folder, reader.CLASSES, utterances, notes, reader.GROUPING, reader.REFERENCE_COUNTS)


def read_dataset(dataset: "Dataset", protocol: str = "") -> Corpus:
    """Read the corpus that the settings ``dataset.*`` name, without decoding audio.

    Parameters
    ----------
    dataset : Dataset
        A corpus of the package by its name, or an own one.
    protocol : str
        Name of the protocol that an own corpus is read for: what it needs beside recordings and labels is checked
        together with everything else.

    Raises
    ------
    ConfigError
        If there is no corpus of that name, or an own one has the name of a corpus of the package.
    CorpusError
        If the corpus cannot be read; everything that is wrong is listed.
    """
    if not dataset.reader:
        return read_corpus(dataset.name, dataset.root)
    from plb_ablate.data.labelled_folders import read_folders
    from plb_ablate.data.manifest import read_manifest

    if dataset.name in READERS:
        raise ConfigError(
            f"dataset.name={dataset.name} is the name of a corpus of the package, whose published results would be "
            f"compared with yours. Give another one, for example dataset.name={dataset.name}_{dataset.reader}."
        )
    return (read_manifest if dataset.reader == "manifest" else read_folders)(dataset, protocol)
