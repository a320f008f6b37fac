"""A corpus made ready for training: features, labels and speakers in one file, written once, read by every worker."""

import hashlib
import json
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plb_ablate.core.atomic_files import replacing
from plb_ablate.data.corpus import Corpus, Utterance
from plb_ablate.data.registry import READERS, read_corpus
from plb_ablate.features.extraction import FeatureSettings, extract

__all__ = ["PreparedCorpus", "prepare"]


@dataclass(frozen=True, eq=False)
class PreparedCorpus:
    """A corpus with its features.

    Parameters
    ----------
    corpus : Corpus
        Utterances, labels, speakers.
    mfcc : float32 (n, 196, 39)
        Features in the order of the utterances.
    digests : tuple of str
        SHA-256 of each recording's bytes.
    """

    corpus: Corpus
    mfcc: NDArray[np.float32]
    digests: tuple[str, ...]

    @property
    def content(self) -> str:
        """Hash of everything in the corpus that affects a training.

        Hashed are the recordings, labels, speakers and sessions, their order, and the feature settings. The gender of
        a speaker, which decides the groups of ``protocol=speaker``, is hashed only if it differs from the published
        one (`plb_ablate.data.reference_counts.ReferenceCounts.genders`), which the speaker's name already determines.
        """
        known = READERS[self.corpus.name].REFERENCE_COUNTS.genders if self.corpus.name in READERS else {}
        genders = [(i, u.gender) for i, u in enumerate(self.corpus.utterances) if u.gender != known.get(u.speaker, "")]
        rows = [
            (path, u.label, u.speaker, u.session, digest)
            for path, u, digest in zip(self.corpus.relative_paths, self.corpus.utterances, self.digests, strict=True)
        ]
        text = json.dumps([self.corpus.classes, rows, astuple(FeatureSettings()), *([genders] if genders else [])])
        return hashlib.sha256(text.encode()).hexdigest()

    def save(self, folder: Path) -> Path:
        """Write the corpus to one file below `folder`, named by its content; give the file."""
        path = folder / f"{self.corpus.name}-{self.content[:16]}.npz"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as draft, draft.open("wb") as file:
                np.savez(file, allow_pickle=False, mfcc=self.mfcc, meta=np.array(json.dumps(self._meta())))
        return path

    @classmethod
    def load(cls, path: Path) -> "PreparedCorpus":
        """Read what `save` wrote."""
        with np.load(path) as stored:
            meta, features = json.loads(str(stored["meta"])), stored["mfcc"]
        root = Path(meta["root"])
        utterances = tuple(Utterance(root / row.pop("path"), **row) for row in meta["utterances"])
        corpus = Corpus(meta["name"], root, tuple(meta["classes"]), utterances)
        return cls(corpus, features, tuple(meta["digests"]))

    def _meta(self) -> dict[str, Any]:
        utterances = [
            {"path": path, "label": u.label, "speaker": u.speaker, "session": u.session, "gender": u.gender}
            for path, u in zip(self.corpus.relative_paths, self.corpus.utterances, strict=True)
        ]
        return {
            "name": self.corpus.name,
            "root": str(self.corpus.root),
            "classes": self.corpus.classes,
            "utterances": utterances,
            "digests": self.digests,
        }


def prepare(name: str, root: Path, cache: Path, *, n_jobs: int = -1, progress: bool = True) -> PreparedCorpus:
    """Read a corpus and extract its features, all from the cache where it has been done before.

    Parameters
    ----------
    name : str
        Name of the corpus.
    root : Path
        Folder as the corpus's authors distribute it.
    cache : Path
        Folder of extracted features.
    n_jobs : int
        Processes that extract at the same time; -1 is all cores.
    progress : bool
        Whether to show a progress bar where there is a terminal.

    Raises
    ------
    CorpusError
        If the folder, a file name or a label is not as distributed.
    RecordingError
        If recordings cannot be used; all of them are listed.
    """
    corpus = read_corpus(name, root)
    features = extract(corpus.paths, cache=cache, n_jobs=n_jobs, progress=progress)
    return PreparedCorpus(corpus, features.mfcc, features.digests)
