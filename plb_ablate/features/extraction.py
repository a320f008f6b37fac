"""Features of many recordings, computed in parallel and cached on disk."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from plb_ablate.core.cores import available_cores
from plb_ablate.core.errors import ConfigError, RecordingError
from plb_ablate.core.progress_bar import with_progress
from plb_ablate.data.audio_file import Header, read_header, read_samples
from plb_ablate.features.cache import entry_path, folder_name, load_entry, store_entry
from plb_ablate.features.coefficients import PUBLISHED, FeatureSettings, coefficients, failure

__all__ = ["FeatureSettings", "Features", "extract"]

CHUNK = 16
"""Number of recordings per task of a worker."""

WORTH_A_WORKER = 250
"""Number of recordings that take about as long to process as a worker takes to start."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features of many recordings.

    Parameters
    ----------
    values : ndarray of float32, shape (n, frames, coefficients)
        In the order of the requested paths.
    digests : tuple of str
        SHA-256 of each audio file, in hexadecimal.
    headers : tuple of Header
        What the header of each audio file declares.
    """

    values: NDArray[np.float32]
    digests: tuple[str, ...]
    headers: tuple[Header, ...]


class _Outcome(NamedTuple):
    """Result for one recording: its features, or the reason why there are none."""

    number: int
    digest: str = ""
    header: Header | None = None
    features: NDArray[np.float32] | None = None
    reason: str = ""


def extract(
    paths: Sequence[Path],
    *,
    cache: Path,
    settings: FeatureSettings = PUBLISHED,
    n_jobs: int = -1,
    progress: bool = True,
) -> Features:
    """Return the features of many recordings, computing those that are not in the cache.

    Parameters
    ----------
    paths : sequence of Path
        Audio files.
    cache : Path
        Folder in which features are cached; created if missing. Several processes can share it.
    settings : FeatureSettings
        What to compute.
    n_jobs : int
        Number of worker processes, as in joblib: -1 is one per core. None is started if everything is cached.
    progress : bool
        Whether to show a progress bar if standard error is a terminal.

    Returns
    -------
    Features
        In the order of `paths`.

    Raises
    ------
    RecordingError
        If recordings cannot be used; all of them are listed with the reasons.
    ConfigError
        If `n_jobs` is 0 or the cache is not writable.
    """
    jobs = _workers(n_jobs)
    folder = Path(cache) / folder_name(settings)
    features = np.empty((len(paths), *settings.shape), dtype=np.float32)
    known: dict[int, tuple[str, Header]] = {}
    reasons: dict[int, str] = {}

    def keep(outcome: _Outcome) -> None:
        if outcome.features is None or outcome.header is None:
            reasons[outcome.number] = outcome.reason
        else:
            features[outcome.number], known[outcome.number] = outcome.features, (outcome.digest, outcome.header)

    numbered = list(enumerate(map(Path, paths)))
    with ThreadPoolExecutor(jobs) as threads:
        for outcome in threads.map(partial(_recall, folder=folder, settings=settings), numbered):
            keep(outcome)
    missing = [item for item in numbered if item[0] not in known]
    computed = _compute_all(missing, folder, settings, jobs)
    for outcome in with_progress(computed, "Extracting features", len(missing), progress=progress):
        keep(outcome)
    problems = [(path, reasons[index]) for index, path in numbered if index not in known]
    if problems:
        raise RecordingError(problems)
    found = [known[index] for index, _ in numbered]
    return Features(features, tuple(digest for digest, _ in found), tuple(header for _, header in found))


def _workers(n_jobs: int) -> int:
    from joblib import effective_n_jobs

    try:
        jobs = int(effective_n_jobs(n_jobs))
    except ValueError:
        raise ConfigError(f"n_jobs={n_jobs} is invalid. Use 1 or more, or -1 for one worker per core.") from None
    return min(jobs, available_cores()) if n_jobs < 0 else jobs


def _recall(item: tuple[int, Path], folder: Path, settings: FeatureSettings) -> _Outcome:
    """Load the features of a recording from the cache."""
    number, path = item
    try:
        recording = path.read_bytes()
        header = read_header(recording)
    except (OSError, ValueError) as error:
        return _Outcome(number, reason=failure(error))
    digest = hashlib.sha256(recording).hexdigest()
    return _Outcome(number, digest, header, load_entry(entry_path(folder, digest), settings.shape))


def _compute_all(
    items: Sequence[tuple[int, Path]], folder: Path, settings: FeatureSettings, jobs: int
) -> Iterator[_Outcome]:
    """Compute with as many worker processes as are worth starting; results are yielded as they are completed."""
    from joblib import Parallel, delayed

    workers = min(jobs, -(-len(items) // WORTH_A_WORKER))
    chunks = (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
    if workers < 2:
        results: Iterable[list[_Outcome]] = (_compute(chunk, folder, settings) for chunk in chunks)
    else:
        parallel = Parallel(n_jobs=workers, batch_size=1, return_as="generator_unordered")
        results = parallel(delayed(_compute)(chunk, folder, settings) for chunk in chunks)
    for result in results:
        yield from result


def _compute(items: Sequence[tuple[int, Path]], folder: Path, settings: FeatureSettings) -> list[_Outcome]:
    """Compute and cache the features of a few recordings.

    BLAS uses one thread: the number of threads changes the last bits of the result, and two are slower than one.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1, user_api="blas"):
        return [_compute_one(item, folder, settings) for item in items]


def _compute_one(item: tuple[int, Path], folder: Path, settings: FeatureSettings) -> _Outcome:
    number, path = item
    try:
        recording = path.read_bytes()
        header, (samples, rate) = read_header(recording), read_samples(recording)
    except (OSError, ValueError) as error:
        return _Outcome(number, reason=failure(error))
    features = coefficients(samples, rate, settings)
    digest = hashlib.sha256(recording).hexdigest()
    store_entry(entry_path(folder, digest), features)
    return _Outcome(number, digest, header, features)
