"""A report of which files cannot be written: the others are, and the command says which and how to go on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from plb_ablate.report.__main__ import main
from plb_ablate.report.output_files import write_file
from tests.report.store import Sweep

Make = Callable[..., Sweep]


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("blocked", ["emodb/published_demo_01234567/wa.csv", "emodb.md", "index.html"])
def test_a_file_that_cannot_be_written_is_named_and_all_others_are_written(
    blocked: str, sweep: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep().variant("none", [0.8, 0.7], n_folds=2)
    assert main(["--out", "whole"]) == 0
    (tmp_path / "r" / blocked).mkdir(parents=True)  # as a file that another program has locked
    capsys.readouterr()
    assert main(["--out", "r", "--attach"]) == 2
    out, err = capsys.readouterr()
    assert f"error: 1 file of the report cannot be written:\n  r/{blocked}: Is a directory" in err
    assert "Traceback" not in err
    assert names(tmp_path / "r") == names(tmp_path / "whole") - {blocked}
    assert ("Wrote r/emodb.md" in out, "Wrote r/index.html" in out) == (blocked != "emodb.md", blocked != "index.html")
    assert "Stored the report" not in out
    assert "not stored in MLflow" in err


@pytest.mark.parametrize("options", [[], ["--published"]], ids=["runs", "published"])
def test_a_folder_that_cannot_be_made_is_named_and_the_tables_are_shown(
    options: list[str], sweep: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep().variant("none", [0.8, 0.7], n_folds=2)
    (tmp_path / "r").write_text("a file")
    assert main(["--out", "r", *options]) == 2
    out, err = capsys.readouterr()
    assert "Not a directory" in err
    assert "more\n" in err
    assert "WA" in out
    assert (tmp_path / "r").read_text() == "a file"


def test_outside_of_a_report_the_error_is_raised_at_once(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path, "text")
    assert write_file(tmp_path / "a" / "b.txt", "µ\n") == [tmp_path / "a" / "b.txt"]
    assert (tmp_path / "a" / "b.txt").read_bytes() == "µ\n".encode()
