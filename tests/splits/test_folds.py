from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import KFold

from plb_ablate.config.protocol import ALLOWED_RULES, PROTOCOLS, RULE_LABELS, RULES, Protocol
from plb_ablate.core.errors import ConfigError, ProtocolError
from plb_ablate.data.corpus import Corpus, Grouping, Utterance
from plb_ablate.data.registry import READERS
from plb_ablate.splits.folds import Fold, make_folds

ROOT = Path("/corpus")


def corpus_of(name: str, speakers: dict[str, tuple[str, str]], per_class: int = 2, n_classes: int = 4) -> Corpus:
    """A corpus in which each speaker (gender, session) says every class `per_class` times."""
    grouping: Grouping = READERS[name].GROUPING if name in READERS else ""
    utterances = [
        Utterance(ROOT / f"{speaker}_{label}_{i}.wav", label, speaker, session, gender, fold=f"fold {i}")
        for speaker, (gender, session) in speakers.items()
        for label in range(n_classes)
        for i in range(per_class)
    ]
    return Corpus(name, ROOT, tuple("abcdefgh"[:n_classes]), tuple(utterances), grouping=grouping)


def ravdess(n_actors: int = 24, name: str = "ravdess") -> Corpus:
    actors = {f"Actor_{i:02d}": ("M" if i % 2 else "F", f"Actor_{i:02d}") for i in range(1, n_actors + 1)}
    return corpus_of(name, actors)


def emodb() -> Corpus:
    people = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
    return corpus_of("emodb", {s: ("M" if i % 2 else "F", s) for i, s in enumerate(people)})


def iemocap(n_sessions: int = 5) -> Corpus:
    turns = [(f"Ses0{i}", gender) for i in range(1, n_sessions + 1) for gender in "FM"]
    return corpus_of("iemocap", {f"{session}{gender}": (gender, session) for session, gender in turns})


def speakers_of(corpus: Corpus, side: np.ndarray) -> set[str]:
    return set(corpus.speakers[side].tolist())


def same(first: list[Fold], second: list[Fold]) -> bool:
    return all(
        np.array_equal(getattr(a, side), getattr(b, side))
        for a, b in zip(first, second, strict=True)
        for side in ("train", "validation", "test")
    )


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("corpus", [ravdess(), emodb(), iemocap(), ravdess(8, "synthetic")], ids=lambda c: c.name)
def test_every_protocol_divides_the_corpus(corpus: Corpus, name: str) -> None:
    folds = make_folds(corpus, Protocol(name))
    everyone = np.arange(len(corpus.utterances))
    assert [fold.index for fold in folds] == list(range(len(folds)))
    assert np.array_equal(np.sort(np.concatenate([fold.test for fold in folds])), everyone)
    for fold in folds:
        sides = (fold.train, fold.validation, fold.test)
        assert np.array_equal(np.sort(np.concatenate(sides)), everyone)
        assert all(side.dtype == np.int64 and (np.diff(side) > 0).all() for side in sides)
        validated = name in ("nested", "speaker")
        assert (fold.validation.size > 0) == validated
        assert set(fold.sides) == {"train", "test"} | ({"validation"} if validated else set())
    assert same(folds, make_folds(corpus, Protocol(name)))


def test_published_folds_are_the_shuffled_kfold_of_the_study() -> None:
    corpus = ravdess()
    folds = make_folds(corpus, Protocol())
    expected = KFold(10, shuffle=True, random_state=98).split(np.zeros(len(corpus.utterances)))
    for fold, (train, test) in zip(folds, expected, strict=True):
        assert np.array_equal(fold.train, train)
        assert np.array_equal(fold.test, test)
    assert not same(folds, make_folds(corpus, Protocol(random_state=99)))


def test_published_folds_of_the_full_ravdess_start_as_they_did_when_published() -> None:
    utterances = tuple(Utterance(ROOT / f"{i}.wav", i % 8, f"Actor_{i // 60 + 1:02d}", "", "") for i in range(1440))
    fold = make_folds(Corpus("ravdess", ROOT, tuple("abcdefgh"), utterances), Protocol())[0]
    assert (fold.train.size, fold.test.size) == (1296, 144)
    assert fold.test[:6].tolist() == [12, 15, 24, 40, 60, 73]


def test_nested_tests_on_the_published_folds_and_validates_on_training_data() -> None:
    corpus = ravdess()
    for published, nested in zip(make_folds(corpus, Protocol()), make_folds(corpus, Protocol("nested")), strict=True):
        assert np.array_equal(published.test, nested.test)
        assert np.array_equal(published.train, np.union1d(nested.train, nested.validation))
        assert abs(nested.validation.size - nested.test.size) <= 2


def test_nested_validation_keeps_the_class_shares_and_depends_on_seed_and_fold_only() -> None:
    corpus = ravdess()
    folds = make_folds(corpus, Protocol("nested", validation_fraction=0.25))
    for fold in folds:
        kept = np.concatenate([fold.train, fold.validation])
        expected = np.bincount(corpus.labels[kept]) / 4
        assert np.abs(np.bincount(corpus.labels[fold.validation]) - expected).max() <= 1
    np.random.default_rng(0).random(10)
    np.random.seed(1)  # noqa: NPY002 -- the legacy global state must not matter
    assert same(folds, make_folds(corpus, Protocol("nested", validation_fraction=0.25)))
    other = make_folds(corpus, Protocol("nested", validation_fraction=0.25, random_state=5))
    assert not np.array_equal(folds[0].validation, other[0].validation)


@pytest.mark.parametrize(
    ("corpus", "n_splits", "n_folds", "per_group"),
    [
        (emodb(), 10, 10, 1),
        (emodb(), 5, 10, 1),
        (iemocap(), 10, 5, 2),
        (ravdess(), 10, 12, 2),
        (ravdess(), 9, 12, 2),
        (ravdess(), 6, 6, 4),
        (ravdess(), 3, 3, 8),
        (ravdess(6), 10, 3, 2),
        (ravdess(8), 10, 4, 2),
        (ravdess(8, "synthetic"), 10, 4, 2),
    ],
)
def test_speaker_folds_keep_speakers_apart(corpus: Corpus, n_splits: int, n_folds: int, per_group: int) -> None:
    folds = make_folds(corpus, Protocol("speaker", n_splits=n_splits))
    assert len(folds) == n_folds
    for fold in folds:
        sides = [speakers_of(corpus, side) for side in (fold.train, fold.validation, fold.test)]
        assert not any(a & b for a, b in combinations(sides, 2))
        assert len(sides[1]) == len(sides[2]) == per_group
    tested = [tuple(sorted(speakers_of(corpus, fold.test))) for fold in folds]
    validated = [tuple(sorted(speakers_of(corpus, fold.validation))) for fold in folds]
    assert len(set(tested)) == len(folds)
    assert validated == tested[1:] + tested[:1]


@pytest.mark.parametrize("n_actors", [6, 8, 12, 24])
def test_ravdess_groups_hold_as_many_men_as_women(n_actors: int) -> None:
    corpus = ravdess(n_actors)
    gender = {utterance.speaker: utterance.gender for utterance in corpus.utterances}
    for fold in make_folds(corpus, Protocol("speaker")):
        for side in fold.sides.values():
            count = Counter(gender[speaker] for speaker in speakers_of(corpus, side))
            assert count["M"] == count["F"]


def test_an_incomplete_ravdess_is_balanced_as_far_as_it_goes() -> None:
    corpus = ravdess(9)  # 5 men, 4 women
    folds = make_folds(corpus, Protocol("speaker"))
    gender = {utterance.speaker: utterance.gender for utterance in corpus.utterances}
    counts = [Counter(gender[speaker] for speaker in speakers_of(corpus, fold.test)) for fold in folds]
    assert [(count["M"], count["F"]) for count in counts] == [(2, 1), (1, 1), (1, 1), (1, 1)]


def test_a_session_of_iemocap_stays_together() -> None:
    corpus = iemocap()
    for i, fold in enumerate(make_folds(corpus, Protocol("speaker")), start=1):
        assert speakers_of(corpus, fold.test) == {f"Ses0{i}F", f"Ses0{i}M"}


@pytest.mark.parametrize("corpus", [ravdess(4), iemocap(2), ravdess(5, "synthetic"), ravdess(0)])
def test_too_few_speakers_are_refused(corpus: Corpus) -> None:
    with pytest.raises(ProtocolError, match=r"speakers .* needs 3 or more"):
        make_folds(corpus, Protocol("speaker"))


def test_a_corpus_without_speakers_is_refused() -> None:
    with pytest.raises(ProtocolError, match=r"needs the speakers of savee, which are unknown\. Give them"):
        make_folds(ravdess(24, "savee"), Protocol("speaker"))


@pytest.mark.parametrize("name", ["published", "nested"])
def test_fewer_utterances_than_folds_are_refused(name: str) -> None:
    corpus = replace(ravdess(), utterances=ravdess().utterances[:9])
    with pytest.raises(ProtocolError, match=r"has 9 utterances, fewer than protocol\.n_splits=10"):
        make_folds(corpus, Protocol(name))


def test_a_class_missing_from_training_is_refused() -> None:
    corpus = emodb()
    lonely = replace(corpus.utterances[0], label=3)
    rest = [utterance for utterance in corpus.utterances if utterance.label != 3]
    corpus = replace(corpus, utterances=(lonely, *rest))
    for name in ("published", "speaker"):
        with pytest.raises(ProtocolError, match=r"has no training utterances of d"):
            make_folds(corpus, Protocol(name))
    with pytest.raises(ProtocolError, match=r"stratified by class, can be made"):
        make_folds(corpus, Protocol("nested"))


def test_too_little_data_to_validate_is_refused() -> None:
    corpus = replace(ravdess(), utterances=ravdess().utterances[:16])
    with pytest.raises(ProtocolError, match=r"stratified by class, can be made"):
        make_folds(corpus, Protocol("nested", n_splits=5))


def test_a_speaker_who_turns_up_in_two_sessions_is_refused() -> None:
    corpus = iemocap()
    stray = replace(corpus.utterances[0], session="Ses05")
    corpus = replace(corpus, utterances=(stray, *corpus.utterances[1:]))
    with pytest.raises(ProtocolError, match=r"speakers in two splits: Ses01F"):
        make_folds(corpus, Protocol("speaker"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "loso"}, "protocol=loso is unknown. Use one of published, nested, speaker, predefined"),
        ({"n_splits": 1}, "n_splits=1 is too few"),
        ({"name": "speaker", "n_splits": 2}, "speaker needs 3"),
        ({"random_state": -1}, "random_state=-1"),
        ({"name": "nested", "validation_fraction": 0.0}, "validation_fraction=0.0 must"),
        ({"name": "nested", "validation_fraction": 1.0}, "validation_fraction=1.0 must"),
        (
            {"headline": "best_validation"},
            "headline=best_validation is not available under protocol=published. Use one of best_test, last",
        ),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Protocol(**settings)  # type: ignore[arg-type]


def test_rules() -> None:
    rules = ["best_test", "best_validation", "best_validation", "last"]
    assert [Protocol(name).rule for name in PROTOCOLS] == rules
    assert Protocol("predefined").rules == ("last", "best_test")
    assert Protocol("nested", headline="last").rule == "last"
    assert Protocol("published").rules == ("best_test", "last")
    assert set(RULE_LABELS) == set(RULES) == set().union(*ALLOWED_RULES.values())
    assert "optimistic" in RULE_LABELS["best_test"]


def test_predefined_folds_are_those_of_the_corpus_in_natural_order() -> None:
    named = [replace(u, fold=str(number % 11)) for number, u in enumerate(ravdess().utterances)]
    folds = make_folds(replace(ravdess(), utterances=tuple(named)), Protocol("predefined", n_splits=3))
    assert len(folds) == 11
    for index, fold in enumerate(folds):
        assert fold.index == index
        assert fold.test.tolist() == list(range(index, len(named), 11))
        assert fold.sides.keys() == {"train", "test"}


@pytest.mark.parametrize("names", [("",), ("1",), ("1", "2", "")])
def test_a_corpus_without_its_own_folds_is_refused(names: tuple[str, ...]) -> None:
    named = [replace(u, fold=names[number % len(names)]) for number, u in enumerate(emodb().utterances)]
    with pytest.raises(
        ProtocolError, match=r"predefined needs the folds of emodb: .*\(column `fold` in dataset.file\)"
    ):
        make_folds(replace(emodb(), utterances=tuple(named)), Protocol("predefined"))


def test_a_protocol_changed_after_it_was_made_has_its_own_headline() -> None:
    """As a config does that starts from the default protocol and then takes another name."""
    assert replace(Protocol(), name="nested").rule == "best_validation"
