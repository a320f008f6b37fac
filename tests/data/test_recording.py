import io
import struct

import numpy as np
import pytest
import soundfile

from plb_ablate.data.audio_file import Header, read_header, read_samples

TONE = (9000 * np.sin(np.arange(8000) / 10)).astype("<i2")
GUID = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"


def chunk(name: bytes, content: bytes, length: int | None = None) -> bytes:
    return name + struct.pack("<I", len(content) if length is None else length) + content + bytes(len(content) % 2)


def wav(
    samples: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = TONE,
    *,
    channels: int = 1,
    extensible: bool = False,
    before: bytes = b"",
    after: bytes = b"",
    length: int | None = None,
    riff_length: int | None = None,
) -> bytes:
    """A wave file at 16 kHz, 16 bit or float, with any lie in its header."""
    size, code = samples.dtype.itemsize, 3 if samples.dtype.kind == "f" else 1
    form = struct.pack("<HHIIHH", 0xFFFE if extensible else code, channels, 16_000, 16_000 * size, size, 8 * size)
    if extensible:
        form += struct.pack("<HHIH", 22, 8 * size, 0, code) + GUID
    body = b"WAVE" + chunk(b"fmt ", form) + before + chunk(b"data", samples.tobytes(), length) + after
    return b"RIFF" + struct.pack("<I", len(body) if riff_length is None else riff_length) + body


def flac(cut: int | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, TONE, 16_000, format="FLAC")
    return file.getvalue()[:cut]


@pytest.mark.parametrize(
    "recording",
    [
        wav(),
        wav(extensible=True),
        wav(before=chunk(b"LIST", b"odd")),
        wav(after=chunk(b"LIST", b"INFO")),
        wav(length=0xFFFFFFFF, riff_length=0xFFFFFFFF),
        wav(length=0x7FFFF000, riff_length=0x7FFFF024),
        wav(length=0, riff_length=0),
        flac(),
    ],
    ids=["plain", "extensible", "odd chunk", "trailing chunk", "streamed", "streamed by sox", "streamed as 0", "flac"],
)
def test_good_recordings(recording: bytes) -> None:
    samples, rate = read_samples(recording)
    assert rate == 16_000
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, TONE / np.float32(32768))


def unpadded(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


@pytest.mark.parametrize("content", [b"odd", b"INFOx", b"INFOICMT and so on, thirty three"[:31]])
def test_an_odd_chunk_without_its_pad_byte_is_read(content: bytes) -> None:
    recording = wav(before=unpadded(b"LIST", content) + unpadded(b"bext", content), after=unpadded(b"LIST", content))
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.read(io.BytesIO(recording))
    samples, _ = read_samples(recording)
    np.testing.assert_array_equal(samples, TONE / np.float32(32768))


def test_an_odd_number_of_bytes_of_samples_needs_no_pad_byte() -> None:
    eight_bit = (TONE[:7999] // 256 + 128).astype("u1")
    whole = wav(eight_bit)
    bare = whole[:-1] + unpadded(b"LIST", b"INFO")
    for recording in (whole, whole[:-1], bare):
        assert len(read_samples(recording)[0]) == 7999


@pytest.mark.parametrize(
    "recording", [wav(), wav(length=0, riff_length=0), wav(length=0xFFFFFFFF, riff_length=0xFFFFFFFF), flac()]
)
def test_the_header_says_what_decoding_finds(recording: bytes) -> None:
    assert read_header(recording) == Header(8000, 16_000, 1)


def test_channels_are_averaged() -> None:
    stereo = np.stack([TONE, TONE // 3], axis=1)
    samples, _ = read_samples(wav(stereo, channels=2))
    np.testing.assert_allclose(samples, stereo.mean(axis=1) / 32768, atol=1e-7)


LFS_POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{64 * 'a'}\nsize 16044\n".encode()

NAN = TONE.astype("<f4") / 32768
NAN[5] = np.nan
INFINITE = TONE.astype("<f4") / 32768
INFINITE[7] = np.inf


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (b"", r"empty \(0 bytes\)"),
        (wav(TONE[:0]), r"empty \(0 samples\)"),
        (wav(TONE[:0], after=chunk(b"LIST", b"INFO")), r"empty \(0 samples\)"),
        (wav(TONE[:0], length=0xFFFFFFFF), r"empty \(0 samples\)"),
        (wav(TONE[:0], length=0, riff_length=0), r"empty \(0 samples\)"),
        (wav()[:-3000], "truncated: the header declares 16000 bytes of samples, the file contains 13000"),
        (wav()[:-1], "truncated: the header declares 16000 bytes of samples, the file contains 15999"),
        (wav()[:44], "truncated: the header declares 16000 bytes of samples, the file contains 0"),
        (wav()[:30], "truncated: the file ends before its samples begin"),
        (wav(before=chunk(b"LIST", bytes(100)))[:90], "truncated: the file ends before its samples begin"),
        (b"not a recording", "not audio"),
        (bytes(1000), "not audio"),
        (LFS_POINTER, "a Git LFS pointer, not the recording itself; `git lfs pull`"),
        (b"RIFF\x04\x00\x00\x00AVI LIST", "not audio"),
        (flac(-2000), "not audio that can be decoded|truncated"),
        (wav(np.zeros_like(TONE)), "silent: every sample is zero"),
        (wav(np.zeros_like(NAN)), "silent: every sample is zero"),
        (wav(NAN), "not finite"),
        (wav(INFINITE), "not finite"),
        (wav(np.stack([NAN, TONE.astype("<f4")], axis=1), channels=2), "not finite"),
    ],
)
def test_unusable_recordings(recording: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read_samples(recording)
    assert "BytesIO" not in str(caught.value)


def test_libsndfile_alone_accepts_a_truncated_file() -> None:
    samples, _ = soundfile.read(io.BytesIO(wav()[:-3000]))
    assert len(samples) == 6500
