"""The group ``features``: what it accepts, what it refuses with which words, and what enters a cell's identity."""

import subprocess
import sys
import warnings
from dataclasses import fields
from typing import Any

import pytest

from plb_ablate.config.compose import compose_config
from plb_ablate.config.features import PUBLISHED, FeatureSettings, _most_bands
from plb_ablate.config.schema import result_settings
from plb_ablate.core.errors import ConfigError

LOGMEL: dict[str, Any] = {"name": "logmel", "n_mfcc": None}


def test_the_default_is_the_published_recipe_and_leaves_no_trace() -> None:
    assert compose_config([]).features == compose_config(["features=mfcc"]).features == PUBLISHED
    assert PUBLISHED.shape == (196, 39)
    assert (PUBLISHED.changed, PUBLISHED.label) == ({}, "mfcc")
    assert "features" not in result_settings(compose_config([]))


def test_each_choice_and_each_setting_is_reached_from_the_command_line() -> None:
    logmel = compose_config(["features=logmel", "features.n_mels=64", "features.hop_length=256"]).features
    assert logmel == FeatureSettings(**LOGMEL, n_mels=64, hop_length=256)
    assert (logmel.shape, logmel.label) == ((391, 64), "logmel hop_length=256 n_mels=64")
    values: dict[str, Any] = {"sample_rate": 16_000, "target_length": 48_000, "n_mfcc": 20}
    values |= {"hop_length": 160, "n_fft": 400, "n_mels": 40}
    config = compose_config([f"features.{name}={value}" for name, value in values.items()])
    assert config.features == FeatureSettings(**values)
    assert set(values) == {field.name for field in fields(FeatureSettings)} - {"name"}
    assert config.features.shape == (301, 20)
    assert config.features.seconds == 3
    assert result_settings(config)["features"] == {"name": "mfcc", **values}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("features=mel", "(?s)mel.*logmel.*mfcc"),
        ("features.name=mel", "features=mel is unknown. Use one of mfcc, logmel."),
        ("features.sample_rate=4000", "sample_rate=4000 .* from 8,000 to 192,000.* published value is 22,050"),
        ("features.sample_rate=400000", "sample_rate=400000 .* from 8,000 to 192,000"),
        ("features.target_length=0", "target_length=0 .* from 16 to"),
        ("features.hop_length=0", "hop_length=0 .* from 1 to"),
        ("features.n_fft=0", "n_fft=0 .* from 16 to 65,536"),
        ("features.n_mels=0", "n_mels=0 .* from 1 to 4,096"),
        ("features.n_mels=40.5", "(?s)40.5.*Integer"),
        ("features.n_mfcc=0", "n_mfcc=0 .* from 1 to 128.* published value is 39"),
        (
            "features.n_mfcc=129",
            "n_mfcc=129 is more than features.n_mels=128.*Use 1 to 128, or a larger",
        ),
        ("features.n_mels=20", "n_mfcc=39 is more than features.n_mels=20.*Use 1 to 20, or a larger"),
        ("features.n_mfcc=null", "n_mfcc=null: features=mfcc needs .* 1 to 128.* use features=logmel"),
        ("features=logmel features.n_mfcc=20", "n_mfcc=20 has no meaning under features=logmel.* or use features=mfcc"),
        ("features.name=logmel", "n_mfcc=39 has no meaning under features=logmel.*features.n_mfcc=null"),
        ("features.hop_length=2049", "hop_length=2049 is more than features.n_fft=2048.*Use 1 to 2048, or a larger"),
        ("features.target_length=2047", "target_length=2047 is shorter than one window .*n_fft=2048.*Use 2048 or more"),
        ("features.n_fft=512 features.n_mels=160", "n_mels=160 is too many .*n_fft=512 .*Use 1 to 153, or a larger"),
    ],
)
def test_what_is_impossible_is_refused_with_the_way_out(settings: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        compose_config(settings.split())


@pytest.mark.parametrize(("rate", "n_fft"), [(22_050, 512), (16_000, 400), (8_000, 255), (48_000, 1_024), (8_000, 32)])
def test_the_largest_number_of_bands_is_the_last_that_librosa_fills(rate: int, n_fft: int) -> None:
    from librosa.filters import mel

    def empty(bands: int) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool((mel(sr=rate, n_fft=n_fft, n_mels=bands).max(axis=1) == 0).any())

    largest = _most_bands(rate, n_fft, 1_000)
    assert [bands for bands in range(1, largest + 50) if not empty(bands)] == list(range(1, largest + 1))
    assert {_most_bands(rate, n_fft, bands) for bands in (largest + 1, largest + 40)} == {largest}
    assert _most_bands(rate, n_fft, largest - 1) == largest - 1


def test_the_published_settings_load_no_audio_library() -> None:
    command = "import sys, plb_ablate.config.compose as c; c.compose_config([]); sys.exit('librosa' in sys.modules)"
    subprocess.run([sys.executable, "-c", command], check=True)
