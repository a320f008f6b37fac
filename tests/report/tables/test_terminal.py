import sys

import pytest

from plb_ablate.report.tables.model import Table, TableCell, text
from plb_ablate.report.tables.terminal import show

TABLE = Table(
    "t", "A caption", ("Name", "WA"), ((text("proposed"), TableCell("88.18", 88.18, best=True)),), "lr", ("A note",)
)


def test_a_pipe_gets_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    show("title", TABLE, "**words**")
    assert "|proposed|<U>**88.18**</U>|" in capsys.readouterr().out


def test_a_terminal_gets_a_drawn_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    show("title", TABLE, "**words**")
    printed = capsys.readouterr().out
    assert "│ proposed │ 88.18 │" in printed
    assert all(part in printed for part in ("title", "A caption", "A note", "words"))
    assert "<U>" not in printed
    assert "**" not in printed
