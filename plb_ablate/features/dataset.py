"""A corpus prepared for training: features, labels and speakers in one file, written once and read by all workers."""

import hashlib
import json
import shlex
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plb_ablate.config.dataset import Dataset
from plb_ablate.config.features import PUBLISHED, FeatureSettings
from plb_ablate.core.atomic_files import replacing
from plb_ablate.core.errors import CorpusError
from plb_ablate.data.completeness import incompleteness
from plb_ablate.data.corpus import Corpus, Utterance
from plb_ablate.data.registry import READERS, read_dataset
from plb_ablate.features.corpus_check import CorpusCheck, compare_corpus
from plb_ablate.features.extraction import extract

__all__ = ["PreparedCorpus", "prepare"]


@dataclass(frozen=True, eq=False)
class PreparedCorpus:
    """A corpus with its features.

    Parameters
    ----------
    corpus : Corpus
        Its utterances, labels and speakers.
    features : float32 (n, frames, coefficients)
        In the order of the utterances.
    digests : tuple of str
        SHA-256 of each audio file.
    check : CorpusCheck, optional
        Comparison with the published counts; None if the corpus was read from a file.
    settings : FeatureSettings
        What was computed from the recordings.
    """

    corpus: Corpus
    features: NDArray[np.float32]
    digests: tuple[str, ...]
    check: CorpusCheck | None = None
    settings: FeatureSettings = field(default_factory=FeatureSettings)

    @property
    def content(self) -> str:
        """Hash of everything in the corpus that affects a training.

        Hashed are the recordings, labels, speakers and sessions, their order, and the feature settings. The gender of
        a speaker, which decides the groups of ``protocol=speaker``, is hashed only if it differs from the published
        one (`plb_ablate.data.reference_counts.ReferenceCounts.genders`), which the speaker's name already determines.
        Of a corpus without published counts, the grouping of its speakers and its own folds are hashed too.
        """
        known = self.corpus.reference.genders if self.corpus.reference else {}
        genders = [(i, u.gender) for i, u in enumerate(self.corpus.utterances) if u.gender != known.get(u.speaker, "")]
        rows = [
            (path, u.label, u.speaker, u.session, digest)
            for path, u, digest in zip(self.corpus.relative_paths, self.corpus.utterances, self.digests, strict=True)
        ]
        told: list[Any] = [genders] if genders else []
        if self.corpus.reference is None:
            told.append({"grouping": self.corpus.grouping, "folds": [u.fold for u in self.corpus.utterances]})
        text = json.dumps([self.corpus.classes, rows, _identity(self.settings), *told])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of a network's input: frames, coefficients or bands, one channel."""
        return (*self.settings.shape, 1)

    def as_earlier(self) -> "PreparedCorpus":
        """Return the corpus as earlier versions named its recordings: by where they really lie in the root.

        Its `content` is the same if the folder is laid out as distributed.
        """
        utterances = tuple(replace(utterance, official_path="") for utterance in self.corpus.utterances)
        return replace(self, corpus=replace(self.corpus, utterances=utterances))

    @property
    def remarks(self) -> list[str]:
        """Notes on what was read, and warnings of how it differs from the published corpus, as lines for a user."""
        name, warnings = self.corpus.name, self.check.warnings if self.check else []
        return [f"note: {line}" for line in self.corpus.notes] + [f"warning: {name}: {line}." for line in warnings]

    def save(self, folder: Path) -> Path:
        """Write the corpus to one file in `folder`, named after its content hash; return the path of the file."""
        path = folder / f"{self.corpus.name}-{self.content[:16]}.npz"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as draft, draft.open("wb") as file:
                np.savez(file, allow_pickle=False, mfcc=self.features, meta=np.array(json.dumps(self._meta())))
        return path

    @classmethod
    def load(cls, path: Path) -> "PreparedCorpus":
        """Read a file written by `save`; earlier versions knew the published features only, under the name ``mfcc``."""
        with np.load(path) as stored:
            meta, features = json.loads(str(stored["meta"])), stored["mfcc"]
        root = Path(meta["root"])
        utterances = tuple(Utterance(root / row.pop("path"), **row) for row in meta["utterances"])
        reader = READERS.get(meta["name"])  # files of earlier versions have no grouping
        grouping, reference = (reader.GROUPING, reader.REFERENCE_COUNTS) if reader else ("", None)
        grouping = meta.get("grouping", grouping)
        corpus = Corpus(meta["name"], root, tuple(meta["classes"]), utterances, grouping=grouping, reference=reference)
        settings = FeatureSettings(**meta.get("features", {}))
        return cls(corpus, features, tuple(meta["digests"]), settings=settings)

    def _meta(self) -> dict[str, Any]:
        utterances = [
            {
                "path": path,
                "label": u.label,
                "speaker": u.speaker,
                "session": u.session,
                "gender": u.gender,
                "fold": u.fold,
            }
            for path, u in zip(self.corpus.relative_paths, self.corpus.utterances, strict=True)
        ]
        return {
            "name": self.corpus.name,
            "root": str(self.corpus.root),
            "classes": self.corpus.classes,
            "grouping": self.corpus.grouping,
            "utterances": utterances,
            "digests": self.digests,
            "features": asdict(self.settings),
        }


def _identity(settings: FeatureSettings) -> Any:
    """Return the settings as they are hashed; the published ones as before there were others."""
    return settings.changed or (settings.sample_rate, settings.target_length, settings.n_mfcc)


def prepare(
    dataset: Dataset,
    cache: Path,
    *,
    features: FeatureSettings = PUBLISHED,
    protocol: str = "",
    n_jobs: int = -1,
    progress: bool = True,
) -> PreparedCorpus:
    """Read a corpus and extract its features, using the cache for features extracted before.

    Parameters
    ----------
    dataset : Dataset
        Which corpus, and where it lies.
    cache : Path
        Folder in which features are cached.
    features : FeatureSettings
        What to compute from the recordings.
    protocol : str
        Name of the protocol that the corpus is prepared for, so that what an own corpus lacks for it is told first.
    n_jobs : int
        Number of parallel processes; -1 uses all cores.
    progress : bool
        Whether to show a progress bar if standard error is a terminal.

    Raises
    ------
    CorpusError
        If the folder, a file name or a label differs from the official distribution, or if utterances are missing and
        `dataset.complete` is true.
    RecordingError
        If recordings cannot be used; all of them are listed in the message.
    """
    corpus = read_dataset(dataset, protocol)
    if dataset.complete and (how := incompleteness(corpus, corpus.reference)):
        checking = shlex.join(["python", "-m", "plb_ablate.data", "check", dataset.name, "--root", dataset.root])
        raise CorpusError(
            f"dataset.complete=true, but {dataset.name} in dataset.root={dataset.root} has {how}. Add what is missing "
            f"(`{checking}` lists it), or set dataset.complete=false to use this part only."
        )
    found = extract(corpus.paths, cache=cache, settings=features, n_jobs=n_jobs, progress=progress)
    known = zip(corpus.relative_paths, zip(found.digests, found.headers, strict=True), strict=True)
    check = compare_corpus(corpus, dict(known), features=features)
    return PreparedCorpus(corpus, found.values, found.digests, check, features)
