"""Corpora from a server on this machine: whole, broken off, changed, and onto a full disk."""

import hashlib
import io
import resource
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from plb_ablate.config.compose import compose_config
from plb_ablate.core.errors import DownloadError
from plb_ablate.data.__main__ import main
from plb_ablate.data.corpora import emodb
from plb_ablate.data.download import ARCHIVES, Archive, fetch
from plb_ablate.data.registry import READERS, read_corpus
from tests.conftest import CommandLine

COMMAND = (sys.executable, "-m", "plb_ablate.data")


def an_archive(missing: int = 0) -> bytes:
    """A zip with the names of EMO-DB, but for the last few, and noise for recordings."""
    names = [
        f"wav/03a{number:02d}{letter}{version}.wav"
        for letter, count in zip(emodb.EMOTIONS, emodb.REFERENCE_COUNTS.classes, strict=True)
        for number, version in [(i // 2, "ab"[i % 2]) for i in range(count)]
    ]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for i, name in enumerate(names[: len(names) - missing]):
            file.writestr(name, hashlib.sha512(str(i).encode()).digest() * 8)
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    """Serves one file, as badly as a test wants."""

    content = b""
    statuses: list[int]
    """Answers to the first requests, instead of the file."""
    most: int | None = None
    """Bytes after which every connection breaks off."""
    knows_ranges = True
    asked: list[str | None]
    """The Range header of each request so far."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/download.zip"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.headers["Range"])
        if self.server.statuses:
            self.send_error(self.server.statuses.pop(0))
            return
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-")) if self.headers["Range"] else 0
        start = start if self.server.knows_ranges else 0
        if start >= len(self.server.content):
            self.send_error(416)
            return
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.most])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the whole archive."""
    with Server(("127.0.0.1", 0), Handler) as running:
        running.content, running.statuses, running.asked = an_archive(), [], []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def checked(server: Server) -> Archive:
    return Archive(server.url, f"md5:{hashlib.md5(server.content, usedforsecurity=False).hexdigest()}")


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_corpus_is_downloaded_once_and_unpacked(server: Server, tmp_path: Path) -> None:
    root = tmp_path / "data" / "emodb"
    assert fetch("emodb", root, checked(server)) == 535
    assert len(read_corpus("emodb", root).utterances) == 535
    assert left_behind(root.parent) == ["emodb"]
    assert fetch("emodb", root, checked(server)) == 535
    assert server.asked == [None]


def test_a_transfer_that_breaks_goes_on_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.most = len(server.content) // 3
    assert fetch("emodb", tmp_path / "emodb", checked(server), wait=0) == 535
    starts = [int(asked[6:-1]) for asked in server.asked[1:] if asked]
    assert starts == sorted(set(starts))
    assert starts[0] > server.most - 20_000
    assert len(server.asked) in (4, 5)


def test_a_server_that_cannot_resume_is_asked_for_all_of_it_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".emodb.zip.part").write_bytes(b"something else" * 1000)
    server.knows_ranges = False
    assert fetch("emodb", tmp_path / "emodb", checked(server)) == 535


def test_a_server_that_is_down_for_a_while_is_waited_for(server: Server, tmp_path: Path) -> None:
    server.statuses = [503, 502]
    assert fetch("emodb", tmp_path / "emodb", checked(server), wait=0) == 535


@pytest.mark.parametrize(("statuses", "times"), [([404], 1), ([500] * 9, 5)])
def test_a_refusal_is_told_with_its_reason(server: Server, tmp_path: Path, statuses: list[int], times: int) -> None:
    server.statuses = list(statuses)
    with pytest.raises(DownloadError, match=f"the server responds {statuses[0]}"):
        fetch("emodb", tmp_path / "emodb", checked(server), wait=0)
    assert len(server.asked) == times
    assert left_behind(tmp_path) == []


def test_a_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    archive = checked(server)
    server.content = server.content.replace(b"wav/03a00La", b"wav/03a00Lz")
    with pytest.raises(DownloadError, match="is not the published file"):
        fetch("emodb", tmp_path / "emodb", archive)
    assert left_behind(tmp_path) == []


def test_without_a_checksum_the_counts_tell(server: Server, tmp_path: Path) -> None:
    assert ARCHIVES["emodb"].checksum is None
    server.content = an_archive(missing=2)
    with pytest.raises(DownloadError, match="neutral 77 instead of 79"):
        fetch("emodb", tmp_path / "emodb", Archive(server.url))
    server.content = b"<html>This page has moved.</html>"
    with pytest.raises(DownloadError, match="not emodb"):
        fetch("emodb", tmp_path / "emodb", Archive(server.url))
    assert left_behind(tmp_path) == []


def test_recordings_that_are_there_are_never_touched(server: Server, tmp_path: Path) -> None:
    (tmp_path / "emodb" / "wav").mkdir(parents=True)
    mine = tmp_path / "emodb" / "wav" / "03a01Fa.wav"
    mine.write_bytes(b"mine")
    with pytest.raises(DownloadError, match="contains 1 of the 535"):
        fetch("emodb", tmp_path / "emodb", checked(server))
    assert mine.read_bytes() == b"mine"
    assert not server.asked


def test_a_file_that_cannot_grow_is_an_error_and_the_next_try_goes_on(server: Server, tmp_path: Path) -> None:
    limit = 100_000

    def fetched(limited: Callable[[], None] | None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "fetch", "emodb", "--url", server.url],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limited,
            timeout=60,
        )

    failed = fetched(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert failed.returncode == 2, failed.stderr
    assert "File too large" in failed.stderr
    assert "0.1 MB are kept in" in failed.stderr
    assert "Traceback" not in failed.stderr
    done = fetched(None)
    assert done.returncode == 0, done.stderr
    assert server.asked == [None, f"bytes={limit}-"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 640 KiB: room for the archive, none for what is in it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=640k", "none", folder], check=False, capture_output=True
    ).returncode:
        pytest.skip("a small file system can only be mounted by root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_told_and_what_arrived_is_kept(server: Server, small_disk: Path) -> None:
    with pytest.raises(DownloadError, match=r"No space left on device.*Run the same command again to resume"):
        fetch("emodb", small_disk / "emodb", checked(server))
    assert left_behind(small_disk) == [".emodb.zip"]
    server.content += bytes(1_000_000)
    with pytest.raises(DownloadError, match=r"MB free; .* MB are needed"):
        fetch("ravdess", small_disk / "ravdess", checked(server))


def test_iemocap_cannot_be_downloaded_and_the_command_says_why(
    commands: CommandLine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["fetch", "iemocap", "--root", str(tmp_path / "nowhere")]) == 2
    assert "https://sail.usc.edu/iemocap" in capsys.readouterr().out


def test_the_folders_are_those_of_the_settings() -> None:
    for name in READERS:
        assert compose_config([f"dataset={name}"]).dataset.root == f"data/{name}"
