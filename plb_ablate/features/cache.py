"""Computed features on disk, one file a recording.

Entries are named by the SHA-256 of the recording's bytes, below a folder named by the settings, so a changed recording
or setting never meets an old entry. Each is a .npy file that ends with its own checksum.
"""

import hashlib
import io
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from plb_ablate.core.errors import ConfigError

__all__ = ["entry_path", "load_entry", "store_entry"]

CHECKSUM_SIZE = hashlib.sha256().digest_size


def entry_path(folder: Path, digest: str) -> Path:
    """Give the place of the entry of the recording whose SHA-256 is `digest` (hexadecimal)."""
    return folder / digest[:2] / f"{digest}.npy"


def load_entry(entry: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """Read an entry.

    Parameters
    ----------
    entry : Path
        As `entry_path` gives it.
    shape : tuple of int
        Frames and coefficients that it must have.

    Returns
    -------
    ndarray of float32 with this shape, or None
        None where there is no entry, or one that is not intact.
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
    """Write an entry under another name, then rename it, so that nobody reads half of it.

    Raises
    ------
    ConfigError
        If the folder cannot be written.
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
        raise ConfigError(f"The features cache {entry.parents[1]} cannot be written ({error.strerror}).") from None
