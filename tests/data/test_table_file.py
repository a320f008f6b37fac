from pathlib import Path

import pandas as pd
import pytest

from plb_ablate.core.errors import CorpusError
from plb_ablate.data.table_file import read_table


def file(folder: Path, content: str | bytes, name: str = "my.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("path,label\na.wav,NA\n\n b.wav ,1.0\n", "my.csv"),
        ("\ufeffpath , label\r\na.wav,NA\r\n,\r\nb.wav,1.0\r\n", "MY.CSV"),
        ('path\tlabel\n"a.wav"\tNA\n\t\nb.wav\t1.0', "my.tsv"),
    ],
)
def test_text_stays_as_it_is_written_and_keeps_its_row(content: str, name: str, tmp_path: Path) -> None:
    table = read_table(file(tmp_path, content, name))
    assert table.columns.tolist() == ["path", "label"]
    assert table.index.tolist() == [2, 4]
    assert table.to_numpy().tolist() == [["a.wav", "NA"], ["b.wav", "1.0"]]


def test_a_cell_of_several_lines_is_one_row(tmp_path: Path) -> None:
    table = read_table(file(tmp_path, 'path,said,label\na.wav,"one\ntwo",x\nb.wav,"a, b",y\n'))
    assert table.index.tolist() == [2, 3]
    assert table["said"].tolist() == ["one\ntwo", "a, b"]


def test_parquet_is_read_with_its_index_and_whole_numbers_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "my.parquet"
    frame = pd.DataFrame({"file": ["a", "b"], "emotion": pd.Categorical(["x", None]), "session": [3.0, None]})
    frame.set_index("file").to_parquet(path)
    table = read_table(path)
    assert table.to_dict("records") == [
        {"file": "a", "emotion": "x", "session": "3"},
        {"file": "b", "emotion": "", "session": ""},
    ]
    assert table.index.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("", "my.csv", r"my\.csv is empty"),
        (" \n\n", "my.csv", r"my\.csv is empty"),
        ("path,label\n", "my.csv", "has a header, but no rows"),
        ("path,label\n,\n\n", "my.csv", "has a header, but no rows"),
        (
            "path,label\na.wav,\xe4rger\n".encode("latin-1"),
            "my.csv",
            r"not UTF-8: byte 0xe4 in line 2\. Save it as UTF-8",
        ),
        ("path,label\n".encode("utf-16"), "my.csv", r"not UTF-8: byte 0xff in line 1"),
        ("path,label\na,b\na,b,c,d\n", "my.csv", r"cannot be read as a table: .*line 3.*Every row needs as many cells"),
        ("path,label\na,b,c\na,b,c\n", "my.csv", "Every row needs as many cells as the header"),
        ("path,label\n", "my.xlsx", r"ending '\.xlsx'\. Use one of \.csv, \.tsv, \.parquet"),
        ("no parquet", "my.parquet", "cannot be read as Parquet"),
    ],
)
def test_what_is_no_table_is_refused(content: str | bytes, name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=f"(?s){said}"):
        read_table(file(tmp_path, content, name))


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"nowhere\.csv cannot be read: No such file"):
        read_table(tmp_path / "nowhere.csv")
