import hashlib
import io
import shutil
import warnings
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from plb_ablate.config.features import FeatureSettings
from plb_ablate.core.errors import ConfigError, RecordingError
from plb_ablate.features import extraction as features
from plb_ablate.features.coefficients import _centred, features_of, mfcc
from plb_ablate.features.extraction import extract


def write_wav(path: Path, seconds: float = 0.5, pitch: float = 200, rate: int = 16_000, channels: int = 1) -> Path:
    time = np.arange(round(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * pitch * time) + 0.3 * np.sin(2 * np.pi * 2.7 * pitch * time)
    samples = np.repeat((8000 * tone).astype("<i2")[:, None], channels, axis=1)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture
def tones(tmp_path: Path) -> list[Path]:
    return [write_wav(tmp_path / f"{pitch}.wav", pitch=pitch) for pitch in (150, 200, 250)]


def literal(path: Path) -> NDArray[np.float32]:
    """The published recipe, word for word."""
    import librosa

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # librosa.load looks for audioread's formats
        samples, _ = librosa.load(path, sr=22050, mono=True)
    if len(samples) < 100_000:
        missing = 100_000 - len(samples)
        left = missing // 2
        samples = np.concatenate([np.zeros(left), samples, np.zeros(missing - left)]).astype(np.float32)
    else:
        start = (len(samples) - 100_000) // 2
        samples = samples[start : start + 100_000]
    return np.asarray(librosa.feature.mfcc(y=samples, sr=22050, n_mfcc=39).T)


@pytest.mark.parametrize(
    ("seconds", "rate", "channels"),
    [
        (1.0, 16_000, 1),
        (0.7, 48_000, 2),
        (5.0, 22_050, 1),
        (5.3, 44_100, 1),
        (100_000 / 22_050, 22_050, 1),
        (0.01, 8000, 1),
    ],
)
def test_published_recipe(tmp_path: Path, seconds: float, rate: int, channels: int) -> None:
    path = write_wav(tmp_path / "tone.wav", seconds, rate=rate, channels=channels)
    result = mfcc(path)
    assert result.shape == (196, 39)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    np.testing.assert_allclose(result, literal(path), rtol=0, atol=1e-4)


def test_published_recipe_on_real_recordings(shared: Path, tmp_path: Path) -> None:
    files = sorted((shared / "data" / "ravdess").glob("Actor_*/*.wav"))
    stereo = [path for path in files if path.read_bytes()[22] == 2]
    assert len(stereo) == 3
    chosen = [*files[::60], *stereo]
    extracted = extract(chosen, cache=tmp_path, n_jobs=1, progress=False).values
    for path, result in zip(chosen, extracted, strict=True):
        expected = literal(path)
        np.testing.assert_allclose(mfcc(path), expected, rtol=0, atol=1e-4)
        np.testing.assert_allclose(result, expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("length", [1, 2, 99, 100, 101, 102, 103])
def test_padding_and_cutting(length: int) -> None:
    samples = np.arange(1, length + 1, dtype=np.float32)
    result = _centred(samples, 100)
    assert len(result) == 100
    if length < 100:
        left = (100 - length) // 2
        np.testing.assert_array_equal(result[left : left + length], samples)
        assert not result[:left].any()
        assert not result[left + length :].any()
    else:
        np.testing.assert_array_equal(result, samples[(length - 100) // 2 :][:100])


def test_other_settings_have_other_shapes(tones: list[Path], tmp_path: Path) -> None:
    settings = FeatureSettings(sample_rate=16_000, target_length=32_000, n_mfcc=13)
    assert settings.shape == (63, 13)
    assert features_of(tones[0], settings).shape == (63, 13)
    assert extract(tones, cache=tmp_path / "cache", settings=settings).values.shape == (3, 63, 13)


def test_extract_keeps_order_and_digests(tones: list[Path], tmp_path: Path) -> None:
    paths = [tones[2], tones[0], tones[2], tones[1]]
    result = extract(paths, cache=tmp_path / "cache")
    assert result.values.shape == (4, 196, 39)
    assert result.values.dtype == np.float32
    assert result.digests == tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    for path, one in zip(paths, result.values, strict=True):
        np.testing.assert_allclose(one, mfcc(path), rtol=0, atol=2e-4)


def test_workers_give_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "WORTH_A_WORKER", 1)
    monkeypatch.setattr(features, "CHUNK", 1)
    paths = [write_wav(tmp_path / f"{index}.wav", seconds=1 + index / 7, pitch=100 + index) for index in range(6)]
    several = extract(paths, cache=tmp_path / "several", n_jobs=2)
    single = extract(paths, cache=tmp_path / "single", n_jobs=1)
    assert several.values.tobytes() == single.values.tobytes()
    assert several.digests == single.digests


def test_nothing_to_extract(tmp_path: Path) -> None:
    result = extract([], cache=tmp_path)
    assert result.values.shape == (0, 196, 39)
    assert result.digests == ()


@pytest.fixture
def no_computing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make any computation fail from now on, in this process and by starting workers."""

    def forbid() -> None:
        def computed(*_: object, **__: object) -> None:
            raise AssertionError("computed, although the cache has it")

        monkeypatch.setattr(features, "coefficients", computed)
        monkeypatch.setattr("joblib.Parallel", computed)

    return forbid


def test_cached_features_are_not_computed(
    tones: list[Path], tmp_path: Path, no_computing: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = extract(tones, cache=tmp_path / "cache")
    monkeypatch.setattr(features, "WORTH_A_WORKER", 1)
    no_computing()
    moved = [shutil.copy(path, tmp_path / f"renamed {path.name}") for path in tones]
    second = extract([Path(path) for path in moved], cache=tmp_path / "cache")
    assert second.values.tobytes() == first.values.tobytes()
    assert second.digests == first.digests


def test_changed_bytes_or_settings_are_computed(
    tones: list[Path], tmp_path: Path, no_computing: Callable[[], None]
) -> None:
    cache = tmp_path / "cache"
    extract(tones, cache=cache)
    no_computing()
    for settings in (
        FeatureSettings(sample_rate=16_000),
        FeatureSettings(target_length=100_001),
        FeatureSettings(n_mfcc=20),
    ):
        with pytest.raises(AssertionError, match="computed"):
            extract(tones, cache=cache, settings=settings)
    with tones[0].open("r+b") as file:
        file.seek(60)
        file.write(b"\x01\x02")
    with pytest.raises(AssertionError, match="computed"):
        extract(tones, cache=cache)


def spoil_truncated(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes()[:-100])


def spoil_bit(entry: Path) -> None:
    content = bytearray(entry.read_bytes())
    content[5000] ^= 1
    entry.write_bytes(content)


def spoil_empty(entry: Path) -> None:
    entry.write_bytes(b"")


def spoil_shape(entry: Path) -> None:
    rewrite(entry, np.zeros((3, 3), dtype=np.float32))


def spoil_dtype(entry: Path) -> None:
    rewrite(entry, np.zeros((196, 39)))


def spoil_nan(entry: Path) -> None:
    rewrite(entry, np.full((196, 39), np.nan, dtype=np.float32))


def rewrite(entry: Path, content: NDArray[np.generic]) -> None:
    """Write an entry with a good checksum."""
    file = io.BytesIO()
    np.save(file, content)
    entry.write_bytes(file.getvalue() + hashlib.sha256(file.getvalue()).digest())


@pytest.mark.parametrize(
    "spoil", [spoil_truncated, spoil_bit, spoil_empty, spoil_shape, spoil_dtype, spoil_nan], ids=lambda f: f.__name__
)
def test_corrupt_entry_is_rebuilt(tones: list[Path], tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    cache = tmp_path / "cache"
    first = extract(tones, cache=cache)
    entries = {path: path.read_bytes() for path in cache.rglob("*.npy")}
    assert len(entries) == 3
    spoil(next(iter(entries)))
    second = extract(tones, cache=cache)
    assert second.values.tobytes() == first.values.tobytes()
    assert {path: path.read_bytes() for path in cache.rglob("*.npy")} == entries
    assert {path for path in cache.rglob("*") if path.is_file()} == set(entries)


def test_all_bad_recordings_are_listed(tones: list[Path], tmp_path: Path) -> None:
    whole = tones[0].read_bytes()
    bad = {
        "truncated.wav": (
            whole[:-2000],
            "truncated: the header declares 16000 bytes of samples, the file contains 14000",
        ),
        "empty.wav": (b"", "empty (0 bytes)"),
        "text.wav": (b"this is no recording at all", "not audio"),
        "silent.wav": (whole[:44] + bytes(16_000), "silent: every sample is zero"),
    }
    for name, (content, _) in bad.items():
        (tmp_path / name).write_bytes(content)
    paths = [tones[0], *(tmp_path / name for name in bad), tones[1], tmp_path / "absent.wav"]
    with pytest.raises(RecordingError, match="5 recordings cannot be used") as caught:
        extract(paths, cache=tmp_path / "cache")
    problems = dict(caught.value.problems)
    assert list(problems) == [*(tmp_path / name for name in bad), tmp_path / "absent.wav"]
    for name, (_, reason) in bad.items():
        assert reason in problems[tmp_path / name]
        assert f"{tmp_path / name}: {reason}" in str(caught.value)
    assert problems[tmp_path / "absent.wav"] == "cannot be read (No such file or directory)"
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 2


def test_bad_recordings_are_listed_by_workers_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "WORTH_A_WORKER", 1)
    monkeypatch.setattr(features, "CHUNK", 1)
    paths = [tmp_path / f"{index}.wav" for index in range(4)]
    for path in paths:
        path.write_bytes(b"")
    write_wav(paths[2])
    with pytest.raises(RecordingError) as caught:
        extract(paths, cache=tmp_path / "cache", n_jobs=2)
    assert [path for path, _ in caught.value.problems] == [paths[0], paths[1], paths[3]]


def test_mfcc_of_a_bad_recording(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"absent\.wav: cannot be read"):
        mfcc(tmp_path / "absent.wav")
    (tmp_path / "empty.wav").touch()
    with pytest.raises(RecordingError, match=r"empty\.wav: empty \(0 bytes\)"):
        mfcc(tmp_path / "empty.wav")


def test_impossible_jobs_and_cache(tones: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="n_jobs=0 is invalid"):
        extract(tones, cache=tmp_path / "cache", n_jobs=0)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"features cache .* cannot be written"):
        extract(tones, cache=tmp_path / "file")


def test_progress_only_on_a_terminal(
    tones: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    extract(tones, cache=tmp_path / "first")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    extract(tones, cache=tmp_path / "second", progress=False)
    assert capsys.readouterr() == ("", "")
    extract(tones, cache=tmp_path / "third")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Extracting features" in printed.err


def test_importing_features_does_not_import_librosa() -> None:
    import subprocess
    import sys

    command = "import sys, plb_ablate.features.extraction; sys.exit('librosa' in sys.modules or 'scipy' in sys.modules)"
    subprocess.run([sys.executable, "-c", command], check=True)
