"""Brings a corpus from where its authors distribute it: in pieces if need be, checked, and unpacked all or nothing."""

import shutil
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pooch
import requests
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from plb_ablate.core.errors import CorpusError, DownloadError
from plb_ablate.data.registry import READERS, read_corpus

__all__ = ["ARCHIVES", "LICENCE", "Archive", "fetch"]


@dataclass(frozen=True)
class Archive:
    """Where a corpus is distributed.

    Parameters
    ----------
    url : str
        Of the zip file.
    checksum : str, optional
        ``algorithm:hexadecimal``; None where its authors publish none: the counts of what it holds are all there is.
    """

    url: str
    checksum: str | None = None


ARCHIVES = {
    "emodb": Archive("http://emodb.bilderbar.info/download/download.zip"),
    # The checksum is the one that the record https://zenodo.org/records/1188976 shows beside this file.
    "ravdess": Archive(
        "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip",
        "md5:bc696df654c87fed845eb13823edef8a",
    ),
}
"""The corpora that anyone may download."""

LICENCE = (
    "IEMOCAP is given to researchers who sign its licence: ask for it at https://sail.usc.edu/iemocap (Release), "
    "unpack what you are sent so that <root>/Session1 to <root>/Session5 are there, then run "
    "`python -m plb_ablate.data check iemocap`."
)
"""How to get the corpus that nobody may pass on."""

ATTEMPTS = 5
"""Connections in a row that may bring nothing before a download is given up."""

CHUNK = 1 << 14
"""Bytes written at a time, of which the last are lost where a connection breaks."""

TIMEOUT = (15, 60)
"""Seconds to wait for a connection, and for the next bytes."""


def fetch(name: str, root: Path, archive: Archive | None = None, *, wait: float = 1.0) -> int:
    """Download and unpack a corpus; do nothing where it is complete already.

    A transfer that breaks is resumed, now and when the command runs again. The folder appears when all of it is there.

    Parameters
    ----------
    name : str
        A key of `ARCHIVES`.
    root : Path
        Folder to make: missing or empty.
    archive : Archive, optional
        Another place that has the same file.
    wait : float
        Seconds before the second attempt; doubled before each further one.

    Returns
    -------
    int
        Utterances.

    Raises
    ------
    DownloadError
        If the server cannot be reached or has another file, the disk is full, or `root` holds something else.
    """
    if root.exists() and any(root.iterdir()):
        return _already_there(name, root)
    archive = archive or ARCHIVES[name]
    kept = root.parent / f".{name}.zip"
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        _download(archive, kept, wait)
        count = _unpack(name, kept, root)
    except OSError as error:
        raise DownloadError(f"{root.parent}: {error.strerror or error}. {_kept_words(kept)}") from error
    kept.unlink()
    return count


def _already_there(name: str, root: Path) -> int:
    wanted = READERS[name].REFERENCE_COUNTS.utterances
    try:
        count = len(read_corpus(name, root).utterances)
    except CorpusError:
        count = 0
    if count != wanted:
        raise DownloadError(
            f"{root} is not empty and holds {count} of the {wanted} utterances of {name}. Move it away, or name "
            f"another folder with --root. `python -m plb_ablate.data check {name} --root {root}` says what is missing."
        )
    return count


def _kept_words(kept: Path) -> str:
    part = _part(kept)
    found = next((path for path in (kept, part) if path.exists()), None)
    what = f" {found} keeps the {found.stat().st_size / 1e6:.1f} MB that arrived;" if found else ""
    return f"Make room or name another place with --root;{what} the same command goes on from there."


def _part(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.part")


def _download(archive: Archive, kept: Path, wait: float) -> None:
    """Bring the archive to `kept`, where it may be already."""
    pooch.get_logger().setLevel("ERROR")
    downloader = partial(_resume, part=_part(kept), wait=wait)
    try:
        pooch.retrieve(archive.url, archive.checksum, kept.name, kept.parent, downloader=downloader)
    except ValueError as error:
        raise DownloadError(
            f"{archive.url} is not the file that its authors published: {error}. What arrived was thrown away. Try "
            "again; if it stays so, the file was changed or something on the way changes it."
        ) from error


def _resume(url: str, output: str, _pooch: Any, *, part: Path, wait: float) -> None:
    """Download in as many connections as it takes, each from where the one before ended; pooch calls this."""
    failures = 0
    while True:
        before = _size(part)
        try:
            with _progress() as progress:
                _transfer(url, part, progress)
            part.replace(output)
            return
        except requests.RequestException as error:
            response = error.response
            failures = 0 if _size(part) > before else failures + 1
            refused = isinstance(error, ValueError) or (response is not None and response.status_code < 500)
            if refused or failures >= ATTEMPTS:
                raise DownloadError(
                    f"{url} cannot be downloaded: {_reason(error)}. {_size(part) / 1e6:.1f} MB arrived and are kept; "
                    "the same command goes on from there."
                ) from error
        time.sleep(wait * 2**failures)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}"
    return str(error).splitlines()[0][:200]


def _transfer(url: str, part: Path, progress: Progress) -> None:
    """Add what is missing to `part` in one connection."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416:  # nothing is missing, or what is there is of another file: its check will tell
            return
        response.raise_for_status()
        have = have if response.status_code == 206 else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        if total:
            _check_room(part, total - have)
        bar = progress.add_task("downloading", total=total, completed=have)
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                progress.advance(bar, len(chunk))


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _check_room(where: Path, needed: int) -> None:
    free = shutil.disk_usage(where.parent).free
    if needed > free:
        raise DownloadError(
            f"{where.parent} has {free / 1e6:.1f} MB free, {needed / 1e6:.1f} MB are needed. {_kept_words(where)}"
        )


def _unpack(name: str, kept: Path, root: Path) -> int:
    """Unpack beside `root`, look at what came out, and move it in place."""
    beside = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        staged = beside / root.name
        with zipfile.ZipFile(kept) as archive:
            _check_room(beside, sum(member.file_size for member in archive.infolist()))
            archive.extractall(staged)
        count = _check_counts(name, staged)
        if root.exists():
            root.rmdir()
        staged.rename(root)
    except (zipfile.BadZipFile, CorpusError) as error:
        if isinstance(error, DownloadError):
            raise
        kept.unlink()
        raise DownloadError(f"what was downloaded is not {name}: {error} It was thrown away; try again.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return count


def _check_counts(name: str, staged: Path) -> int:
    """Count the utterances of each class, which is the only check where no checksum is published."""
    corpus, wanted = read_corpus(name, staged), READERS[name].REFERENCE_COUNTS.classes
    counts = Counter(utterance.label for utterance in corpus.utterances)
    wrong = [
        f"{label} {counts[i]} instead of {wanted[i]}"
        for i, label in enumerate(corpus.classes)
        if counts[i] != wanted[i]
    ]
    if wrong:
        raise CorpusError(f"its classes have other numbers of utterances: {', '.join(wrong)}.")
    return len(corpus.utterances)
