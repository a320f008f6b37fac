"""The samples of one recording, or the reason why it cannot be used.

libsndfile reads a truncated wav file without complaint, so the chunks of RIFF files are walked here first.
"""

import io
import struct

import numpy as np
import soundfile
from numpy.typing import NDArray

__all__ = ["read_samples"]

UNKNOWN_LENGTH = 0x7FFFF000
"""Chunks of this length or more were written to a pipe: their header could not be corrected at the end."""


def read_samples(recording: bytes) -> tuple[NDArray[np.float32], int]:
    """Decode a recording to one channel.

    Parameters
    ----------
    recording : bytes
        The whole file, in any format that libsndfile reads.

    Returns
    -------
    samples : ndarray of float32, shape (samples,)
        Mean of the channels, full scale is 1.
    rate : int
        Sampling rate in Hz.

    Raises
    ------
    ValueError
        If the recording is empty, not audio, truncated, silent throughout or not finite; the message is the reason.
    """
    if not recording:
        raise ValueError("empty (0 bytes)")
    try:
        with soundfile.SoundFile(io.BytesIO(_checked_riff(recording))) as sound:
            promised, rate = sound.frames, sound.samplerate
            channels = sound.read(dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise ValueError(f"not audio that can be decoded ({str(error).rpartition('>: ')[2].rstrip('.')})") from None
    if len(channels) < promised:
        raise ValueError(f"truncated: its header promises {promised} samples, it holds {len(channels)}")
    if len(channels) == 0:
        raise ValueError("empty (0 samples)")
    samples = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1)
    if not np.isfinite(samples).all():
        raise ValueError("holds samples that are not finite (NaN or infinite)")
    if not samples.any():
        raise ValueError("silent: every sample is zero")
    return samples, rate


def _checked_riff(recording: bytes) -> bytes:
    """Check that a RIFF wave file holds the samples that it promises; others pass.

    A file that was streamed with every length 0 is given the length that it has, which libsndfile needs.
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
                raise ValueError(f"truncated: its header promises {length} bytes of samples, it holds {held}")
            return recording
        place += 8 + length + length % 2
    raise ValueError("truncated: it ends before its samples begin")
