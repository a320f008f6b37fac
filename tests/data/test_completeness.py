from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from plb_ablate.data.completeness import incompleteness, joined
from plb_ablate.data.corpora import emodb, ravdess
from plb_ablate.data.corpus import Corpus
from plb_ablate.data.reference_counts import ReferenceCounts
from plb_ablate.data.registry import read_corpus
from tests.data.test_ravdess import all_names, make


def ravdess_of(root: Path, names: Iterable[str]) -> str:
    return incompleteness(read_corpus("ravdess", make(root, *names)), ravdess.REFERENCE_COUNTS)


def after(name: str) -> int:
    return int(name[-6:-4])


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (lambda name: True, ""),
        (lambda name: after(name) < 13, "720 of 1,440 utterances, speakers 13 to 24 missing"),
        (lambda name: after(name) not in (2, 5), "1,320 of 1,440 utterances, speakers 02, 05 missing"),
        (lambda name: after(name) != 7, "1,380 of 1,440 utterances, speaker 07 missing"),
        (
            lambda name: after(name) != 7 and name != "03-01-08-02-02-02-09.wav",
            "1,379 of 1,440 utterances, speaker 07 missing, speakers with other counts: 09 (59 of 60)",
        ),
        (
            lambda name: not name.startswith("03-01-08-02-02-02"),
            "1,416 of 1,440 utterances, "
            "speakers with other counts: "
            "01 (59 of 60), 02 (59 of 60), 03 (59 of 60), 04 (59 of 60), 05 (59 of 60) and 19 more",
        ),
    ],
)
def test_what_is_missing_of_ravdess(kept: Callable[[str], bool], words: str, tmp_path: Path) -> None:
    assert ravdess_of(tmp_path, filter(kept, all_names())) == words


def test_a_recording_more_than_published(tmp_path: Path) -> None:
    words = ravdess_of(tmp_path, [*all_names(), "03-01-01-02-01-01-01.wav"])
    assert words == "1,441 of 1,440 utterances, speakers with other counts: 01 (61 of 60)"


def test_classes_are_named_where_no_count_of_a_speaker_is_published(shared: Path) -> None:
    whole = read_corpus("emodb", shared / "data" / "emodb")
    assert incompleteness(whole, emodb.REFERENCE_COUNTS) == ""
    lacking = Corpus(whole.name, whole.root, whole.classes, whole.utterances[1:])
    assert (
        incompleteness(lacking, emodb.REFERENCE_COUNTS)
        == "534 of 535 utterances, classes with other counts: happiness (70 of 71)"
    )


def test_only_neighbours_are_joined() -> None:
    order = ["03", "08", "09", "10", "11"]
    assert joined(["03", "09", "10", "11"], order) == "03, 09 to 11"
    assert joined(["03", "08"], order) == "03, 08"
    assert joined(order, order) == "03 to 11"


def test_an_unknown_number_of_speakers_is_no_difference(tmp_path: Path) -> None:
    corpus = read_corpus("ravdess", make(tmp_path, "03-01-01-01-01-01-01.wav"))
    assert incompleteness(corpus, ReferenceCounts("nobody", (1, 0, 0, 0, 0, 0, 0, 0), {"01": None})) == ""
