"""Decoding of one audio file to samples, with a clear error if it cannot be used.

libsndfile reads truncated WAV files without an error, so the chunks of RIFF files are checked here first.
"""

import io
import struct

import numpy as np
import soundfile
from numpy.typing import NDArray

__all__ = ["read_samples"]

UNKNOWN_LENGTH = 0x7FFFF000
"""Chunk lengths from this value on mark streamed files, whose header could not be corrected after writing."""


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
    if not recording:
        raise ValueError("empty (0 bytes)")
    try:
        with soundfile.SoundFile(io.BytesIO(_checked_riff(recording))) as sound:
            declared, rate = sound.frames, sound.samplerate
            channels = sound.read(dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise ValueError(f"not audio that can be decoded ({str(error).rpartition('>: ')[2].rstrip('.')})") from None
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


def _checked_riff(recording: bytes) -> bytes:
    """Check that a RIFF WAVE file contains as many samples as its header declares; return other files unchanged.

    If a streamed file has only lengths of 0 in its headers, the actual length, which libsndfile needs, is filled in.
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
        place += 8 + length + length % 2
    raise ValueError("truncated: the file ends before its samples begin")
