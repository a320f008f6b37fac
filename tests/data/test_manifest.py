"""An own corpus as a table, and everything that can be wrong with one."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from plb_ablate.config.dataset import Dataset
from plb_ablate.core.errors import ConfigError, CorpusError
from plb_ablate.data.corpus import Corpus
from plb_ablate.data.registry import READERS, read_dataset

GOOD = """path,label,speaker,session,gender,fold,said
b/2.wav,sad,anna,1,F,2,"no, never"
a/1.wav,hap,anna,1,female,1,yes
a/2.wav,exc,carl,2,M,1,
b/1.flac,sad,carl,2,male,2,
"""
MERGED = {"sad": ["sad"], "happy": ["hap", "exc"]}


def dataset(folder: Path, table: str = GOOD, **settings: Any) -> Dataset:
    """The settings of a table in `folder`, beside empty files of the names that it holds."""
    for name in ("a/1.wav", "a/2.wav", "b/1.flac", "b/2.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "my.csv").write_text(table)
    defaults = {"name": "", "root": "", "reader": "manifest", "file": str(folder / "my.csv"), "classes": MERGED}
    return Dataset(**(defaults | settings))


def told(corpus: Corpus) -> list[tuple[str, ...]]:
    return [
        (path, corpus.classes[u.label], u.speaker, u.session, u.gender, u.fold)
        for path, u in zip(corpus.relative_paths, corpus.utterances, strict=True)
    ]


ROWS = [
    ("b/2.wav", "sad", "anna", "1", "F", "2"),
    ("a/1.wav", "happy", "anna", "1", "F", "1"),
    ("a/2.wav", "happy", "carl", "2", "M", "1"),
    ("b/1.flac", "sad", "carl", "2", "M", "2"),
]


def test_rows_become_utterances_in_their_order(tmp_path: Path) -> None:
    corpus = read_dataset(dataset(tmp_path))
    assert told(corpus) == ROWS
    assert (corpus.name, corpus.root, corpus.classes) == ("my", tmp_path, ("sad", "happy"))
    assert (corpus.notes, corpus.reference) == ((), None)


def test_classes_have_the_given_order_else_they_are_sorted(tmp_path: Path) -> None:
    other = dict(reversed(MERGED.items()))
    assert read_dataset(dataset(tmp_path, classes=other)).classes == ("happy", "sad")
    table = GOOD.replace(",exc,", ",hap,")
    assert read_dataset(dataset(tmp_path, table, classes=None)).classes == ("hap", "sad")


def test_other_labels_are_an_error_or_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "3.wav").touch()
    table = GOOD + "3.wav,xxx,anna,1,F,2,\n"
    with pytest.raises(CorpusError, match=r"the label 'xxx' of row 6 is not in dataset\.classes; add it, or leave"):
        read_dataset(dataset(tmp_path, table))
    corpus = read_dataset(dataset(tmp_path, table, ignore_other_labels=True))
    assert told(corpus) == ROWS
    assert corpus.notes == ("my: 1 of 5 recordings left out, whose labels are not in dataset.classes: xxx (1).",)


@pytest.mark.parametrize(
    ("columns", "grouping"),
    [
        (("speaker", "session", "gender"), "session"),
        (("speaker", "gender"), "gender"),
        (("speaker",), "speaker"),
        (("session", "gender"), ""),
        ((), ""),
    ],
)
def test_speakers_are_grouped_by_what_the_table_has(columns: tuple[str, ...], grouping: str, tmp_path: Path) -> None:
    settings = dataset(tmp_path)
    frame = pd.read_csv(tmp_path / "my.csv", dtype=str)[["path", "label", *columns]]
    frame.to_csv(tmp_path / "my.csv", index=False)
    corpus = read_dataset(settings)
    assert corpus.grouping == grouping
    assert [u.session for u in corpus.utterances] == (
        ["1", "1", "2", "2"] if "session" in columns else corpus.speakers.tolist()
    )


@pytest.mark.parametrize("kind", ["audformat", "tsv", "parquet"])
def test_other_forms_of_the_same_table_are_the_same_corpus(kind: str, tmp_path: Path) -> None:
    settings = dataset(tmp_path)
    frame = pd.read_csv(tmp_path / "my.csv", dtype=str)
    if kind == "audformat":
        frame = frame.rename(columns={"path": "file", "label": "emotion"}).assign(start="0 days 00:00:00", end="")
        frame.to_csv(tmp_path / "my.csv", index=False)
    elif kind == "tsv":
        frame.to_csv(tmp_path / "my.tsv", index=False, sep="\t")
    else:
        frame.astype({"session": float}).to_parquet(tmp_path / "my.parquet")
    settings.file = str(tmp_path / f"my.{'csv' if kind == 'audformat' else kind}")
    assert told(read_dataset(settings)) == ROWS


def test_paths_start_at_the_table_or_the_root_or_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset(tmp_path / "audio")
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "tables" / "my.csv"
    table.parent.mkdir()
    table.write_text(GOOD)
    settings = {"name": "", "root": "audio", "reader": "manifest", "file": "tables/my.csv", "classes": MERGED}
    corpus = read_dataset(Dataset(**settings))  # type: ignore[arg-type]
    assert told(corpus) == ROWS
    assert corpus.paths[0] == tmp_path / "audio" / "b" / "2.wav"
    for prefix in (f"{tmp_path}/audio/", "../audio/", "..\\audio\\"):
        lines = [line.replace("a/", f"{prefix}a/", 1).replace("b/", f"{prefix}b/", 1) for line in GOOD.splitlines()]
        lines = [lines[0].replace(prefix, ""), *lines[1:]]
        table.write_text("\n".join(lines))
        corpus = read_dataset(Dataset(**(settings | {"root": ""})))  # type: ignore[arg-type]
        assert told(corpus) == ROWS, "an utterance has the same name wherever the corpus lies"
        assert corpus.root == tmp_path / "audio"


@pytest.mark.parametrize("name", READERS)
def test_the_name_of_a_published_corpus_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"dataset\.name={name} .*published results.*dataset\.name={name}_manifest"):
        read_dataset(dataset(tmp_path, name=name))


def problems(settings: Dataset, protocol: str = "") -> list[str]:
    """What the error says, line by line."""
    with pytest.raises(CorpusError) as caught:
        read_dataset(settings, protocol)
    first, *lines, last = str(caught.value).splitlines()
    noun = "problem" if len(lines) == 1 else "problems"
    assert first == f"dataset.file={settings.file}: {len(lines)} {noun}:"
    assert last == "Correct them, and start again."
    return [line.strip() for line in lines]


def test_everything_wrong_is_listed_in_one_go_with_its_row(tmp_path: Path) -> None:
    table = """path,label,speaker,session,gender
a/1.wav,hap,anna,1,F
a/1.wav,hap,anna,1,F

gone.wav,sad,carl,2,M
,sad,carl,2,M
b/1.flac,,carl,2,M
b/2.wav,ang,anna,2,M
a/2.wav,sad,,1,F
"""
    assert problems(dataset(tmp_path, table, classes=None)) == [
        "row 6: the path is empty",
        f"row 3: {tmp_path}/a/1.wav is also in row 2",
        f"row 5: {tmp_path}/gone.wav does not exist",
        "row 7: the label is empty",
        "row 9: the speaker is empty; fill it in, or give none at all",
        "row 8: speaker anna has the session '2', but '1' in row 2",
        "row 8: speaker anna has the gender 'M', but 'F' in row 2",
        "class ang: 1 utterance (row 8); a class needs two or more",
    ]


@pytest.mark.parametrize(
    ("table", "protocol", "said"),
    [
        (
            GOOD.replace("path", "wav").replace("label", "class"),
            "",
            [
                "row 1: the column `path` (or `file`) is missing or empty; the table has wav, class, speaker, session, "
                "gender, fold, said",
                "row 1: the column `label` (or `emotion`) is missing or empty; the table has wav, class, speaker, "
                "session, gender, fold, said",
            ],
        ),
        (
            "path;label\na/1.wav;sad\n",
            "",
            [
                f"row 1: the column `{name}` (or `{other}`) is missing or empty; the table has path;label (is it "
                "separated by ';'? Endings: .csv for commas, .tsv for tabs)"
                for name, other in (("path", "file"), ("label", "emotion"))
            ],
        ),
        (
            GOOD.replace("speaker", "who").replace("gone", "gone"),
            "speaker",
            [
                "row 1: the column `speaker`, which protocol=speaker needs, is missing or empty; the table has "
                "path, label, who, session, gender, fold, said"
            ],
        ),
        (
            "path,label\nb/1.flac,sad\nb/2.wav,sad\na/1.wav,hap\na/2.wav,exc\n",
            "predefined",
            [
                "row 1: the column `fold`, which protocol=predefined needs, is missing or empty; the table has path, "
                "label"
            ],
        ),
        (
            GOOD.replace(",2,", ",train,", 1),
            "predefined",
            [
                "row 2: fold 'train' is the name of a split; protocol=predefined needs the name of the fold that tests "
                "the recording, such as 1 to 5"
            ],
        ),
        (
            "path,label,fold\nb/1.flac,sad,1\nb/2.wav,sad,1\na/1.wav,hap,1\na/2.wav,exc,1\n",
            "predefined",
            ["all recordings are in fold '1'; protocol=predefined needs two or more"],
        ),
        (
            "file,start,end,emotion\nb/1.flac,0,NaT,sad\nb/2.wav,1.5,,sad\na/1.wav,,2.5,hap\na/2.wav,0.0,,exc\n",
            "",
            [
                f"row {row}: {column} '{value}' means a part, but recordings are read whole; cut them into files, or "
                "remove the columns start and end"
                for row, column, value in ((3, "start", "1.5"), (4, "end", "2.5"))
            ],
        ),
    ],
    ids=["columns", "semicolons", "speaker", "fold", "split", "one fold", "parts"],
)
def test_each_kind_of_mistake_is_told(table: str, protocol: str, said: list[str], tmp_path: Path) -> None:
    assert problems(dataset(tmp_path, table), protocol) == said


def test_what_a_protocol_needs_is_told_together_with_the_rest(tmp_path: Path) -> None:
    table = "path,label\nb/1.flac,sad\nb/2.wav,sad\na/1.wav,hap\ngone.wav,exc\n"
    assert len(problems(dataset(tmp_path, table), "speaker")) == 2


def test_classes_that_no_recording_has_are_told(tmp_path: Path) -> None:
    classes = {"sad": ["sad"], "happy": ["hap", "exc", "joy"], "angry": ["ang"]}
    assert problems(dataset(tmp_path, classes=classes)) == [
        "class angry: 0 utterances; a class needs two or more",
        "dataset.classes: no recording has the label 'joy' of class happy",
    ]
    alike = GOOD.replace("hap", "sad").replace("exc", "sad")
    assert problems(dataset(tmp_path, alike, classes=None)) == ["all recordings have the label 'sad'; give two or more"]


def test_many_problems_of_a_kind_hide_no_other_kind(tmp_path: Path) -> None:
    table = "path,label\n" + "".join(f"gone{number}.wav,sad\n" for number in range(1000)) + "a/1.wav,\n"
    with pytest.raises(CorpusError) as caught:
        read_dataset(dataset(tmp_path, table, classes=None))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("1,002 problems:")
    assert len(lines) == 1 + 20 + 1 + 1 + 1 + 1
    assert "  ... and 980 more: missing recordings" in lines
    assert "  row 1002: the label is empty" in lines


@pytest.mark.skipif(os.name == "nt", reason="links need rights")
def test_links_stay_links(tmp_path: Path) -> None:
    settings = dataset(tmp_path / "store")
    (tmp_path / "linked").symlink_to(tmp_path / "store")
    settings.file, settings.root = str(tmp_path / "linked" / "my.csv"), str(tmp_path / "linked")
    corpus = read_dataset(settings)
    assert (told(corpus), corpus.root) == (ROWS, tmp_path / "linked")
