import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from plb_ablate.config.dataset import Dataset
from plb_ablate.config.features import FeatureSettings
from plb_ablate.config.protocol import Protocol
from plb_ablate.core.errors import LeakageError
from plb_ablate.data.corpus import Corpus, Utterance
from plb_ablate.data.registry import read_corpus
from plb_ablate.features.dataset import prepare
from plb_ablate.features.extraction import Features, extract
from plb_ablate.splits.folds import Fold, make_folds
from plb_ablate.splits.leakage import audit, audit_prepared
from plb_ablate.splits.leakage_report import MOST_PAIRS, Copies, LeakageReport, SharedSpeakers
from plb_ablate.splits.near_duplicates import NEAR_COPY, comparable, near_copies

ROOT = Path("/corpus")
PUBLISHED, NESTED, SPEAKER = Protocol(), Protocol("nested"), Protocol("speaker")


def corpus_of(n_speakers: int = 6, per_class: int = 5) -> Corpus:
    """A corpus with the classes a and b; odd speakers are men."""
    utterances = [
        Utterance(ROOT / f"{speaker:02d}" / f"{label}{i}.wav", label, f"{speaker:02d}", "", "FM"[speaker % 2])
        for speaker in range(1, n_speakers + 1)
        for label in range(2)
        for i in range(per_class)
    ]
    return Corpus("ravdess", ROOT, ("a", "b"), tuple(utterances), grouping="gender")


def digests_of(corpus: Corpus, *copies: tuple[int, int]) -> list[str]:
    digests = [f"{i:064x}" for i in range(len(corpus.utterances))]
    for original, copy in copies:
        digests[copy] = digests[original]
    return digests


def features_of(corpus: Corpus) -> NDArray[np.float32]:
    rng = np.random.default_rng(5)
    return rng.normal(size=(len(corpus.utterances), 24, 6)).astype(np.float32)


def fold_of(corpus: Corpus, test: list[int], validation: list[int] | None = None, index: int = 0) -> Fold:
    kept_apart = np.array(validation or [], dtype=np.int64)
    rest = np.setdiff1d(np.arange(len(corpus.utterances)), [*test, *kept_apart])
    return Fold(index, rest, kept_apart, np.array(test, dtype=np.int64))


# -- speakers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [PUBLISHED, NESTED])
def test_mixed_folds_warn_and_are_allowed(protocol: Protocol) -> None:
    corpus = corpus_of()
    report = audit(corpus, make_folds(corpus, protocol))
    assert report.warnings()[0] == "6 speakers in more than one split of all 10 folds: 01; 02; 03; and 3 more."
    report.check(protocol)
    with pytest.raises(LeakageError, match=r"speaker requires .* in ravdess:\n  6 speakers in more than one split"):
        report.check(SPEAKER)


def test_speaker_folds_are_clean() -> None:
    corpus = corpus_of()
    report = audit(corpus, make_folds(corpus, SPEAKER), digests=digests_of(corpus), features=features_of(corpus))
    assert report.warnings() == []
    assert report.checked == ("speakers", "bytes", "features", "balance")
    report.check(SPEAKER)


def test_each_pair_of_sides_is_looked_at() -> None:
    corpus = corpus_of(3)  # speakers 01, 02, 03 with 10 utterances each
    fold = fold_of(corpus, [*range(10), 20], [*range(10, 20), 21], index=4)
    report = audit(corpus, [fold])
    assert report.speakers == (
        SharedSpeakers(4, ("train", "validation"), ("03",)),
        SharedSpeakers(4, ("train", "test"), ("03",)),
        SharedSpeakers(4, ("validation", "test"), ("03",)),
    )
    assert "1 speaker in more than one split" in report.leaks[0]


# -- copies of recordings ----------------------------------------------------------------------------------------------


def test_the_same_bytes_are_found_where_a_fold_parts_them() -> None:
    corpus = corpus_of()
    folds = [fold_of(corpus, [0, 1], index=0), fold_of(corpus, [2, 3], index=1), fold_of(corpus, [0, 2], index=2)]
    report = audit(corpus, folds, digests=digests_of(corpus, (0, 1), (0, 2), (5, 6)))
    assert report.copies == (
        Copies("01/00.wav", "01/01.wav", True, 1.0, (2,)),
        Copies("01/00.wav", "01/02.wav", True, 1.0, (0, 1)),
        Copies("01/01.wav", "01/02.wav", True, 1.0, (0, 1, 2)),
    )
    (line,) = [line for line in report.warnings() if "identical" in line]
    assert line.startswith("3 pairs of identical files in different splits: 01/00.wav = 01/01.wav (fold 2); ")


def test_a_copy_on_one_side_is_no_leak() -> None:
    corpus = corpus_of()
    folds = make_folds(corpus, SPEAKER)
    within = audit(corpus, folds, digests=digests_of(corpus, (0, 1)))
    assert within.copies == ()
    within.check(SPEAKER)
    across = audit(corpus, folds, digests=digests_of(corpus, (0, 30)))
    with pytest.raises(LeakageError, match="1 pair of identical files"):
        across.check(SPEAKER)


def test_utterances_that_a_fold_leaves_out_are_on_no_side() -> None:
    corpus = corpus_of()
    fold = Fold(0, np.arange(10, 50), np.empty(0, np.int64), np.arange(50, 60))
    assert audit(corpus, [fold], digests=digests_of(corpus, (0, 20))).copies == ()


def test_many_copies_are_capped_and_said_to_be() -> None:
    corpus = corpus_of(6, 20)
    report = audit(corpus, make_folds(corpus, PUBLISHED), digests=["same"] * len(corpus.utterances))
    assert len(report.copies) == MOST_PAIRS
    assert f"At least {MOST_PAIRS} pairs of identical files" in report.leaks[1]
    assert report.leaks[1].endswith(f"; and {MOST_PAIRS - 3} more.")


def test_near_copies_are_told_from_identical_ones() -> None:
    corpus = corpus_of()
    features = features_of(corpus)
    features[40] = features[3] + 0.1 * features[7]
    features[41] = features[4]
    folds = make_folds(corpus, SPEAKER)
    report = audit(corpus, folds, digests=digests_of(corpus, (4, 41)), features=features)
    identical, near = report.copies
    assert (identical.identical, identical.first, identical.second) == (True, "01/04.wav", "05/01.wav")
    assert (near.identical, near.first, near.second) == (False, "01/03.wav", "05/00.wav")
    assert 0.99 < near.similarity < 1
    assert "1 pair of near-duplicates" in report.leaks[1]
    without_digests = audit(corpus, folds, features=features).copies
    assert [pair.identical for pair in without_digests] == [False, False]


@pytest.mark.parametrize("name", ["digests", "features"])
def test_one_digest_and_one_feature_an_utterance(name: str) -> None:
    corpus = corpus_of()
    values = {"digests": digests_of(corpus)[:-1]} if name == "digests" else {"features": features_of(corpus)[:-1]}
    with pytest.raises(ValueError, match=f"59 {name} for 60 utterances of ravdess"):
        audit(corpus, make_folds(corpus, PUBLISHED), **values)  # type: ignore[arg-type]


# -- class balance -----------------------------------------------------------------------------------------------------


def test_class_counts_of_each_side() -> None:
    corpus = corpus_of()
    report = audit(corpus, [fold_of(corpus, [0, 1, 5], [10, 15], index=0), fold_of(corpus, [0, 1, 2], index=1)])
    counts = {(entry.fold, entry.side): entry.counts for entry in report.balance}
    assert counts == {
        (0, "train"): (27, 28),
        (0, "validation"): (1, 1),
        (0, "test"): (2, 1),
        (1, "train"): (27, 30),
        (1, "test"): (3, 0),
    }
    assert report.warnings()[-1] == "No utterance of class b in the test split of fold 1."


# -- storing -----------------------------------------------------------------------------------------------------------


def test_a_report_survives_json() -> None:
    corpus = corpus_of()
    features = features_of(corpus)
    features[40] = features[3]
    report = audit(corpus, make_folds(corpus, NESTED), digests=digests_of(corpus, (0, 30)), features=features)
    assert report.copies
    assert report.speakers
    rebuilt = LeakageReport.from_dict(json.loads(json.dumps(report.to_dict())))
    assert rebuilt == report
    assert rebuilt.warnings() == report.warnings()


# -- real recordings ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tampered(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real actors; one recording twice under two names, and near copies of others in place of a repetition."""
    root = tmp_path_factory.mktemp("ravdess")
    for actor in ("Actor_01", "Actor_02"):
        (root / actor).mkdir()
        for path in sorted((shared / "data" / "ravdess" / actor).glob("*.wav")):
            (root / actor / path.name).symlink_to(path)
    original, copy = (root / "Actor_02" / f"03-01-03-01-02-{repetition}-02.wav" for repetition in ("01", "02"))
    copy.unlink()
    shutil.copyfile(original, copy)
    rng = np.random.default_rng(0)
    for emotion, gain, snr in (("04", 0.5, None), ("05", 1.0, 50), ("06", 0.7, 40)):
        samples, rate = soundfile.read(root / "Actor_01" / f"03-01-{emotion}-01-01-01-01.wav", dtype="float32")
        noise = 0 if snr is None else 10 ** (-snr / 20) * np.sqrt(np.mean(samples**2)) * rng.normal(size=samples.shape)
        near = root / "Actor_01" / f"03-01-{emotion}-01-01-02-01.wav"
        near.unlink()
        soundfile.write(near, gain * (samples + noise), rate, subtype="PCM_16")
    return root


@pytest.fixture(scope="module")
def tampered_features(tampered: Path, tmp_path_factory: pytest.TempPathFactory) -> Features:
    paths = read_corpus("ravdess", tampered).paths
    return extract(paths, cache=tmp_path_factory.mktemp("cache"), n_jobs=1, progress=False)


def test_real_copies_are_found_and_nothing_else(tampered: Path, tampered_features: Features) -> None:
    corpus, features = read_corpus("ravdess", tampered), tampered_features
    second = np.array([path.stem.split("-")[5] == "02" for path in corpus.paths])
    fold = Fold(0, np.flatnonzero(~second), np.empty(0, np.int64), np.flatnonzero(second))
    report = audit(corpus, [fold], digests=features.digests, features=features.values)
    name = "Actor_0{1}/03-01-{0}-01-0{2}-0{3}-0{1}.wav".format
    copied, *near = [("03", 2, 2), ("04", 1, 1), ("05", 1, 1), ("06", 1, 1)]
    assert [(pair.first, pair.second) for pair in report.copies if pair.identical] == [
        (name(*copied, 1), name(*copied, 2))
    ]
    found = {(pair.first, pair.second) for pair in report.copies if not pair.identical}
    assert found == {(name(*recording, 1), name(*recording, 2)) for recording in near}


def test_the_threshold_lies_between_repetitions_and_copies(tampered_features: Features) -> None:
    similarity = near_copies(tampered_features.values, threshold=0.5)[1]
    assert similarity[3] > NEAR_COPY > 0.9 > similarity[4]


def test_a_copy_within_a_speaker_does_not_stop_the_speaker_protocol(
    tampered: Path, tampered_features: Features
) -> None:
    corpus, features = read_corpus("ravdess", tampered), tampered_features
    sides = [np.flatnonzero(corpus.speakers == speaker).astype(np.int64) for speaker in ("01", "02")]
    fold = Fold(0, sides[0], np.empty(0, np.int64), sides[1])
    report = audit(corpus, [fold], digests=features.digests, features=features.values)
    assert report.copies == ()
    report.check(SPEAKER)
    crossing = replace(fold, train=np.append(sides[0], sides[1][-1]), test=sides[1][:-1])
    with pytest.raises(LeakageError, match="1 speaker in more than one split of fold 0: 02"):
        audit(corpus, [crossing], digests=features.digests, features=features.values).check(SPEAKER)


def test_copies_are_told_apart_whatever_the_features_are(tampered: Path, tmp_path: Path) -> None:
    """Log-mel spectrograms of the same words are alike; the MFCCs computed from them are those of the recordings."""
    settings = FeatureSettings(name="logmel", n_mfcc=None, n_mels=64)
    paths = read_corpus("ravdess", tampered).paths
    logmel = extract(paths, cache=tmp_path, settings=settings, n_jobs=1, progress=False).values
    assert near_copies(logmel, threshold=0.9)[1][4] > NEAR_COPY
    compared = comparable(logmel, settings)
    assert compared is not None
    similarity = near_copies(compared, threshold=0.5)[1]
    assert similarity[3] > NEAR_COPY > 0.9 > similarity[4]


def test_features_that_tell_no_copies_say_so(small_corpus: Path, tmp_path: Path) -> None:
    for settings, said in ((FeatureSettings(n_mfcc=13), True), (FeatureSettings(n_mfcc=20), False)):
        prepared = prepare(
            Dataset("synthetic", str(small_corpus)), tmp_path, features=settings, n_jobs=1, progress=False
        )
        report = audit_prepared(prepared, Protocol(n_splits=3))
        assert ("features" not in report.checked) == said
        assert any(line.startswith("Near-duplicates were not looked for") for line in report.warnings()) == said


def test_unknown_speakers_are_neither_checked_nor_a_leak() -> None:
    utterances = tuple(replace(utterance, speaker="") for utterance in corpus_of().utterances)
    corpus = replace(corpus_of(), utterances=utterances, grouping="")
    report = audit(corpus, make_folds(corpus, PUBLISHED), digests=digests_of(corpus))
    assert report.checked == ("bytes", "balance")
    assert report.leaks == []
    assert "speakers" in audit(corpus_of(), make_folds(corpus_of(), PUBLISHED)).checked
