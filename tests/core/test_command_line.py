"""The commands beside ``python -m plb_ablate``: one parser's shape, one way to print an error."""

import re
from pathlib import Path

import pytest

import plb_ablate
from plb_ablate.core.command_line import make_parser
from plb_ablate.core.errors import ConfigError, exit_codes

PACKAGE = Path(plb_ablate.__file__).parent


def test_help_names_the_command_and_keeps_the_examples_as_they_are() -> None:
    shown = make_parser("params", "Count.", "\nexamples:\n  one\n    two\n").format_help()
    assert shown.startswith("usage: python -m plb_ablate.params")
    assert shown.endswith("examples:\n  one\n    two\n")


def test_every_command_takes_its_parser_from_there() -> None:
    own = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"ArgumentParser\(|\(argparse\.ArgumentParser\):\n", path.read_text())
    ]
    assert own == ["command_line.py"]


def test_an_error_of_ours_is_one_line_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    @exit_codes
    def command() -> int:
        raise ConfigError("seed=x is no number.")

    assert command() == 2
    assert capsys.readouterr() == ("", "error: seed=x is no number.\n")


def test_every_command_prints_errors_that_way() -> None:
    commands = [path for path in PACKAGE.rglob("*.py") if "\ndef main(argv" in path.read_text()]
    assert len(commands) >= 12
    assert [path.name for path in commands if "\n@exit_codes\ndef main(argv" not in path.read_text()] == []
