"""Cache folders of libraries on machines where neither the installation nor the home folder can be written."""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

__all__ = ["settle_matplotlib_cache", "settle_numba_cache"]


def settle_numba_cache() -> None:
    """Give Numba a folder for compiled functions, without which importing librosa fails; to call before the import.

    A folder that the user names in ``NUMBA_CACHE_DIR`` is kept.
    """
    librosa = find_spec("librosa")
    beside = Path(str(librosa.origin)).parent / "core" / "__pycache__" if librosa else Path()
    if not (_is_writable(beside) or _is_writable(_user_folder("XDG_CACHE_HOME", ".cache") / "numba")):
        _settle("NUMBA_CACHE_DIR", "numba")


def settle_matplotlib_cache() -> None:
    """Give matplotlib a folder for its list of fonts, without which it warns; to call before the import.

    A folder that the user names in ``MPLCONFIGDIR`` is kept.
    """
    if not _is_writable(_user_folder("XDG_CONFIG_HOME", ".config") / "matplotlib"):
        _settle("MPLCONFIGDIR", "matplotlib")


def _user_folder(variable: str, name: str) -> Path:
    return Path(os.environ.get(variable) or Path("~").expanduser() / name)


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself if it does not exist yet."""
    existing = next((place for place in (folder, *folder.parents) if place.exists()), Path("/"))
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _settle(variable: str, name: str) -> None:
    if variable not in os.environ:
        folder = _private_folder() / name
        folder.mkdir(exist_ok=True)
        os.environ[variable] = str(folder)


def _private_folder() -> Path:
    """Return a folder in the temporary folder that only this user can write: libraries run what they find in it."""
    folder = Path(tempfile.gettempdir()) / f"plb_ablate-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not folder.is_symlink() and status.st_uid == os.getuid() and not status.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix="plb_ablate-"))
