"""What is there beside what is published."""

import json
import shutil
import zlib
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from plb_ablate.config.dataset import Dataset
from plb_ablate.config.features import FeatureSettings
from plb_ablate.core.errors import CorpusError
from plb_ablate.data.__main__ import main
from plb_ablate.data.audio_file import read_header
from plb_ablate.data.registry import READERS, read_corpus
from plb_ablate.data.synthetic import corpus as synthetic
from plb_ablate.features.corpus_check import check_corpus, compare_corpus, published_length
from plb_ablate.features.dataset import prepare
from plb_ablate.published import tables as published


def test_published_numbers_are_those_of_the_study() -> None:
    reference = {name: READERS[name].REFERENCE_COUNTS for name in published.DATASETS}
    assert {name: (found.utterances, found.cut) for name, found in reference.items()} == {
        "emodb": (535, 28),
        "ravdess": (1440, 34),
        "iemocap": (5531, 2022),
    }
    for name, found in reference.items():
        assert len(found.classes) == len(READERS[name].CLASSES)
    assert sum(count or 0 for count in reference["ravdess"].speakers.values()) == 1440


def test_a_part_of_ravdess_is_told_by_its_missing_actors(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "ravdess", "--root", str(shared / "data" / "ravdess")]) == 1
    said = capsys.readouterr().out
    assert "Differs: 360 of 1,440 utterances, speakers 07 to 24 missing\n" in said
    assert "class neutral: 24, published 96" in said
    assert "speaker 06" not in said


def test_json_has_all_of_it(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "ravdess", "--root", str(shared / "data" / "ravdess"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["utterances"] == {"published": 1440, "here": 360}
    assert found["rates"] == {"48000": 360}
    assert found["cut"]["here"] + found["padded"] == 360
    assert found["seconds"]["shortest"] < found["seconds"]["mean"] < found["seconds"]["longest"]
    assert found["differences"]


def test_the_whole_embedded_corpus_is_as_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "synthetic"
    assert main(["fetch", "synthetic", "--root", str(root)]) == 0
    assert main(["check", "synthetic", "--root", str(root)]) == 0
    assert "All published counts match." in capsys.readouterr().out


def test_copies_and_broken_recordings_are_named(small_corpus: Path, tmp_path: Path) -> None:
    root = tmp_path / "synthetic"
    shutil.copytree(small_corpus, root)
    first, second, third = sorted((root / "Speaker_01").glob("*.wav"))[:3]
    shutil.copy(first, second)
    third.write_bytes(third.read_bytes()[:1000])
    found = check_corpus(read_corpus("synthetic", root))
    assert found.copied == ((f"Speaker_01/{first.name}", f"Speaker_01/{second.name}"),)
    assert "copies: 1, published 0" in found.differences
    assert any(line.startswith(f"unusable: Speaker_01/{third.name}: truncated") for line in found.differences)
    assert found.padded + found.cut.here == len(synthetic.list_utterances(root)) - 1


def test_other_sampling_rates_are_told(small_corpus: Path, tmp_path: Path) -> None:
    root = tmp_path / "synthetic"
    shutil.copytree(small_corpus, root)
    path = next((root / "Speaker_02").glob("*.wav"))
    samples, rate = soundfile.read(path)
    soundfile.write(path, samples, rate // 2)
    assert (
        f"sampling rate: 1 of 24 recordings at {rate // 2:,} Hz, published {rate:,} Hz"
        in check_corpus(read_corpus("synthetic", root)).differences
    )


def resampled(recordings: Path, root: Path, seconds: float) -> Path:
    """The recordings as files of the same names at 22,050 Hz, all of one length."""
    for path in sorted(recordings.rglob("*.wav")):
        target = root / path.relative_to(recordings)
        target.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(zlib.crc32(path.name.encode())).standard_normal(round(22_050 * seconds))
        soundfile.write(target, 0.1 * noise, 22_050)
    return root


@pytest.mark.parametrize("cached", [False, True])
def test_whoever_trains_is_warned_of_other_recordings_under_the_right_names(
    cached: bool, shared: Path, tmp_path: Path
) -> None:
    root = resampled(shared / "data" / "emodb", tmp_path / "emodb", 0.1)
    for _ in range(1 + cached):
        prepared = prepare(Dataset("emodb", str(root)), tmp_path / "cache", n_jobs=1, progress=False)
    assert prepared.remarks == [
        "warning: emodb: recordings of 4.535 s or more: 0, published 28.",
        "warning: emodb: sampling rate: 535 of 535 recordings at 22,050 Hz, published 16,000 Hz.",
    ]
    assert prepared.check is not None


def test_a_published_corpus_gives_no_warning(shared: Path, tmp_path: Path) -> None:
    recordings = shared / "data" / "emodb"
    corpus = read_corpus("emodb", recordings)
    read = {
        relative: (str(path), read_header(path.read_bytes()))
        for relative, path in zip(corpus.relative_paths, corpus.paths, strict=True)
    }
    assert compare_corpus(corpus, read).warnings == []


def test_a_part_of_a_corpus_is_used_with_a_warning_or_refused(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "Actor_02").symlink_to(shared / "data" / "ravdess" / "Actor_02")
    how = "60 of 1,440 utterances, speakers 01, 03 to 24 missing"
    with pytest.raises(CorpusError, match=rf"dataset.complete=true, but ravdess in .* has {how}\. Add .* check"):
        prepare(Dataset("ravdess", str(tmp_path), complete=True), tmp_path / "cache")
    assert not (tmp_path / "cache").exists(), "refused before features are extracted"
    remarks = prepare(Dataset("ravdess", str(tmp_path)), tmp_path / "cache", n_jobs=1, progress=False).remarks
    assert remarks == [f"note: ravdess: read 60 recordings in {tmp_path / 'part'}.", f"warning: ravdess: {how}."]


@pytest.mark.parametrize(
    ("samples", "rate"), [(100_000, 48_000), (217_687, 48_000), (72_562, 16_000), (72_563, 16_000)]
)
def test_lengths_are_those_after_resampling(samples: int, rate: int) -> None:
    resampled = librosa.resample(np.zeros(samples, np.float32), orig_sr=rate, target_sr=22_050)
    assert published_length(samples, rate, FeatureSettings()) == len(resampled)


def test_a_folder_that_is_no_corpus_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "emodb", "--root", str(tmp_path)]) == 2
    assert "is empty" in capsys.readouterr().err


def test_recordings_are_cut_to_the_length_of_the_features(small_corpus: Path) -> None:
    """The published number of cut recordings holds for the published length; another length has none to differ from."""
    corpus = read_corpus("synthetic", small_corpus)
    files = zip(corpus.relative_paths, corpus.paths, strict=True)
    headers = {path: ("", read_header(file.read_bytes())) for path, file in files}
    usual, short = (
        compare_corpus(corpus, headers, features=FeatureSettings(target_length=length)).cut
        for length in (100_000, 2_048)
    )
    assert (usual.published, short.published) == (READERS["synthetic"].REFERENCE_COUNTS.cut, None)
    assert usual.here < short.here == len(corpus.utterances)
    assert not short.differs
