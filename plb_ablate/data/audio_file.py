"""Decoding of one audio file to samples, with a clear error if it cannot be used.

libsndfile reads truncated WAV files without an error, so the chunks of RIFF files are checked here first.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

__all__ = ["Header", "read_header", "read_samples"]

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""Start of the text file that Git LFS leaves in place of a file that was not downloaded."""

CHUNKS = frozenset(
    name.encode().ljust(4)
    for name in (
        *("data", "fmt", "fact", "LIST", "JUNK", "junk", "PAD", "bext", "cart", "cue", "plst", "smpl", "inst"),
        *("PEAK", "iXML", "axml", "chna", "id3", "ID3", "DISP", "afsp", "acid", "_PMX", "FLLR"),
    )
)
"""Names of chunks of RIFF WAVE files."""

UNKNOWN_LENGTH = 0x7FFFF000
"""Chunk lengths from this value on mark streamed files, whose header could not be corrected after writing."""


class Header(NamedTuple):
    """What the header of a recording declares: samples per channel, sampling rate in Hz, and number of channels."""

    samples: int
    rate: int
    channels: int


def read_header(recording: bytes) -> Header:
    """Read the header of a recording without decoding its samples.

    Raises
    ------
    ValueError
        If the recording is empty, not audio or truncated; the message states the reason.
    """
    with _opened(recording) as sound:
        return Header(sound.frames, sound.samplerate, sound.channels)


def read_samples(recording: bytes) -> tuple[NDArray[np.float32], int]:
    """Decode a recording and average its channels.

    Parameters
    ----------
    recording : bytes
        Content of the whole file, in any format that libsndfile reads.

    Returns
    -------
    samples : ndarray of float32, shape (samples,)
        Mean of the channels; full scale is 1.
    rate : int
        Sampling rate in Hz.

    Raises
    ------
    ValueError
        If the recording is empty, not audio, truncated, silent or not finite; the message states the reason.
    """
    with _opened(recording) as sound:
        declared, rate = sound.frames, sound.samplerate
        channels = sound.read(dtype="float32", always_2d=True)
    if len(channels) < declared:
        raise ValueError(f"truncated: the header declares {declared} samples, the file contains {len(channels)}")
    if len(channels) == 0:
        raise ValueError("empty (0 samples)")
    samples = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1)
    if not np.isfinite(samples).all():
        raise ValueError("contains samples that are not finite (NaN or infinite)")
    if not samples.any():
        raise ValueError("silent: every sample is zero")
    return samples, rate


@contextmanager
def _opened(recording: bytes) -> Iterator[soundfile.SoundFile]:
    """Open a recording in memory; errors of libsndfile, also while it is read, become a `ValueError`."""
    if not recording:
        raise ValueError("empty (0 bytes)")
    if recording.startswith(LFS_POINTER):
        raise ValueError("a Git LFS pointer, not the recording itself; `git lfs pull` downloads the recording")
    try:
        with soundfile.SoundFile(io.BytesIO(_checked_riff(recording))) as sound:
            yield sound
    except soundfile.SoundFileError as error:
        raise ValueError(f"not audio that can be decoded ({str(error).rpartition('>: ')[2].rstrip('.')})") from None


def _checked_riff(recording: bytes) -> bytes:
    """Check that a RIFF WAVE file contains as many samples as its header declares; return other files unchanged.

    Two faults of headers are corrected, because libsndfile needs it: if a streamed file has only lengths of 0, the
    actual length is filled in; if a chunk of odd length lacks its pad byte, the byte is inserted.
    """
    if recording[:4] not in (b"RIFF", b"RIFX") or recording[8:12] != b"WAVE":
        return recording
    order = "<" if recording[:4] == b"RIFF" else ">"
    place = 12
    while place + 8 <= len(recording):
        (length,) = struct.unpack_from(order + "I", recording, place + 4)
        held = len(recording) - place - 8
        if recording[place : place + 4] == b"data":
            if length == 0 and held and recording[4:8] == bytes(4):
                return recording[: place + 4] + struct.pack(order + "I", held) + recording[place + 8 :]
            if held < length < UNKNOWN_LENGTH:
                raise ValueError(f"truncated: the header declares {length} bytes of samples, the file contains {held}")
            return recording
        end = place + 8 + length
        if length % 2 and recording[end : end + 4] in CHUNKS:
            recording = recording[:end] + b"\0" + recording[end:]
        place = end + length % 2
    raise ValueError("truncated: the file ends before its samples begin")
