"""Download of corpora from their authors: resumable, verified, and unpacked completely or not at all."""

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
    """The archive in which a corpus is distributed.

    Parameters
    ----------
    url : str
        URL of the zip file.
    checksum : str, optional
        ``algorithm:hexadecimal``; None if the authors publish none. Then only the class counts are checked.
    """

    url: str
    checksum: str | None = None


ARCHIVES = {
    "emodb": Archive("http://emodb.bilderbar.info/download/download.zip"),
    # checksum as listed for this file at https://zenodo.org/records/1188976
    "ravdess": Archive(
        "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip",
        "md5:bc696df654c87fed845eb13823edef8a",
    ),
}
"""Corpora that can be downloaded without a licence agreement."""

LICENCE = (
    "IEMOCAP requires a signed licence: request it at https://sail.usc.edu/iemocap (Release), unpack it so that the "
    "folders <root>/Session1 to <root>/Session5 exist, then run `python -m plb_ablate.data check iemocap`."
)
"""How to get the corpus that may not be redistributed."""

ATTEMPTS = 5
"""Consecutive connections without new data after which a download fails."""

CHUNK = 1 << 14
"""Bytes per write; an incomplete chunk is lost if the connection fails."""

TIMEOUT = (15, 60)
"""Timeouts in seconds: to connect, and to receive the next bytes."""


def fetch(name: str, root: Path, archive: Archive | None = None, *, wait: float = 1.0) -> int:
    """Download and unpack a corpus; do nothing if it is already complete.

    An interrupted download is resumed, also when the command is run again. The folder is created only once the corpus
    is complete.

    Parameters
    ----------
    name : str
        A key of `ARCHIVES`.
    root : Path
        Folder to create: missing or empty.
    archive : Archive, optional
        Alternative source of the same file.
    wait : float
        Seconds before the second attempt; doubled before each further attempt.

    Returns
    -------
    int
        Number of utterances.

    Raises
    ------
    DownloadError
        If the server cannot be reached or provides a different file, the disk is full, or `root` contains other files.
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
            f"{root} is not empty and contains {count} of the {wanted} utterances of {name}. Move it away, or choose "
            f"another folder with --root. `python -m plb_ablate.data check {name} --root {root}` lists what is missing."
        )
    return count


def _kept_words(kept: Path) -> str:
    part = _part(kept)
    file = next((path for path in (kept, part) if path.exists()), None)
    state = f" {file.stat().st_size / 1e6:.1f} MB are kept in {file}." if file else ""
    return f"Free disk space or choose another folder with --root.{state} Run the same command again to resume."


def _part(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.part")


def _download(archive: Archive, kept: Path, wait: float) -> None:
    """Download the archive to `kept`, unless it is there already."""
    pooch.get_logger().setLevel("ERROR")
    downloader = partial(_resume, part=_part(kept), wait=wait)
    try:
        pooch.retrieve(archive.url, archive.checksum, kept.name, kept.parent, downloader=downloader)
    except ValueError as error:
        raise DownloadError(
            f"{archive.url} is not the published file: {error}. The downloaded file was deleted. Try again; if the "
            "error persists, the file was changed on the server or in transit (for example by a proxy)."
        ) from error


def _resume(url: str, output: str, _pooch: Any, *, part: Path, wait: float) -> None:
    """Download over as many connections as needed, each resuming where the previous one ended; called by pooch."""
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
                    f"{url} cannot be downloaded: {_reason(error)}. {_size(part) / 1e6:.1f} MB were received and are "
                    "kept; run the same command again to resume."
                ) from error
        time.sleep(wait * 2**failures)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server responds {error.response.status_code} {error.response.reason}"
    return str(error).splitlines()[0][:200]


def _transfer(url: str, part: Path, progress: Progress) -> None:
    """Append the missing bytes to `part` over one connection."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416:  # complete, or another file: the checksum decides
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
            f"{where.parent} has {free / 1e6:.1f} MB free; {needed / 1e6:.1f} MB are needed. {_kept_words(where)}"
        )


def _unpack(name: str, kept: Path, root: Path) -> int:
    """Unpack to a temporary folder next to `root`, check the content, and move it to `root`."""
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
        raise DownloadError(f"the downloaded file is not {name}: {error} It was deleted; try again.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return count


def _check_counts(name: str, staged: Path) -> int:
    """Check the number of utterances of each class: the only check if no checksum is published."""
    corpus, wanted = read_corpus(name, staged), READERS[name].REFERENCE_COUNTS.classes
    counts = Counter(utterance.label for utterance in corpus.utterances)
    wrong = [
        f"{label} {counts[i]} instead of {wanted[i]}"
        for i, label in enumerate(corpus.classes)
        if counts[i] != wanted[i]
    ]
    if wrong:
        raise CorpusError(f"utterances per class differ from the published counts: {', '.join(wrong)}.")
    return len(corpus.utterances)
