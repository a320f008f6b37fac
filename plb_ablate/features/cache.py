"""Cache of computed features on disk, one file per recording.

Entries are named after the SHA-256 of the recording, in a folder named after the feature settings, so an old entry is
never used for a changed recording or setting. Each entry is a .npy file followed by its checksum.
"""

import hashlib
import io
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from plb_ablate.config.features import PUBLISHED, FeatureSettings
from plb_ablate.core.errors import ConfigError

__all__ = ["entry_path", "folder_name", "load_entry", "store_entry"]

CHECKSUM_SIZE = hashlib.sha256().digest_size

FORMAT = 1
"""Version of the computation and of the stored format; a new version invalidates cached features."""


def folder_name(settings: FeatureSettings) -> str:
    """Return the name of the folder for features of these settings; settings that differ have different folders."""
    name = f"{settings.name}-v{FORMAT}-{settings.sample_rate}hz-{settings.target_length}-{settings.shape[1]}"
    frames = (settings.hop_length, settings.n_fft, settings.n_mels)
    usual = frames == (PUBLISHED.hop_length, PUBLISHED.n_fft, PUBLISHED.n_mels)
    return name if usual else f"{name}-hop{frames[0]}-window{frames[1]}-mels{frames[2]}"


def entry_path(folder: Path, digest: str) -> Path:
    """Return the path of the entry for the recording with the SHA-256 `digest` (hexadecimal)."""
    return folder / digest[:2] / f"{digest}.npy"


def load_entry(entry: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """Read an entry.

    Parameters
    ----------
    entry : Path
        Path returned by `entry_path`.
    shape : tuple of int
        Required numbers of frames and coefficients.

    Returns
    -------
    ndarray of float32 with this shape, or None
        None if the entry is missing or damaged.
    """
    try:
        content = entry.read_bytes()
    except OSError:
        return None
    stored, checksum = content[:-CHECKSUM_SIZE], content[-CHECKSUM_SIZE:]
    if hashlib.sha256(stored).digest() != checksum:
        return None
    features = np.load(io.BytesIO(stored), allow_pickle=False)
    intact = features.shape == shape and features.dtype == np.float32 and np.isfinite(features).all()
    return features if intact else None


def store_entry(entry: Path, features: NDArray[np.float32]) -> None:
    """Write an entry atomically: to a temporary file that is then renamed.

    Raises
    ------
    ConfigError
        If the folder is not writable.
    """
    stored = io.BytesIO()
    np.save(stored, features)
    content = stored.getvalue()
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        part = entry.with_name(f".{uuid4().hex}.part")
        part.write_bytes(content + hashlib.sha256(content).digest())
        part.replace(entry)
    except OSError as error:
        raise ConfigError(
            f"The features cache {entry.parents[1]} cannot be written ({error.strerror}). "
            "Choose a writable folder with cache=..."
        ) from None
