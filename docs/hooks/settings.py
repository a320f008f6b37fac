"""Writes ``docs/configuration.md`` from the schema: ``python docs/hooks/settings.py``."""

import re
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from inspect import getdoc
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import yaml

from plb_ablate.config.compose import compose_config, config_root
from plb_ablate.config.schema import Config

__all__ = ["PAGE", "settings_page"]

PAGE = Path(__file__).parents[1] / "configuration.md"

INTRODUCTION = """<!-- Made by `make docs-settings` from plb_ablate/config/schema.py and conf/; edit those. -->
# Settings

Every setting can be given on the command line as `key=value`, and with `-m` as a list to sweep over:

```console
python -m plb_ablate -m dataset=ravdess ablation=none,cbam,cbam+sa seed=42,43 trainer.epochs=60
```

A group (`dataset`, `protocol`, ...) is chosen by name, which loads `conf/<group>/<name>.yaml`; its settings are then
`group.key`. A key that is not in these tables is refused before anything runs. `null` is no value. Where the
package is installed without its checkout, `conf/` and `experiments/` lie inside the package.

A value with spaces, brackets, `=`, `~` or letters beyond a to z needs quotes for Hydra, and these need quotes for the
shell: `'dataset.root="~/my corpora/archive (3)"'`. A value that cannot be read is refused with the words to type. In
paths, `~` and environment variables such as `$HOME` are expanded. Relative paths mean the folder in which the command
was started, whatever `hydra.job.chdir` says.

`--config-dir <folder>` adds own choices, for example `<folder>/dataset/mine.yaml` or `<folder>/experiments/mine.yaml`,
to a sweep, to `--dry-run` and to `status`. Every run writes its settings below `logs/`, in a folder of its own;
`python -m plb_ablate --config-path logs/<time>/.hydra --config-name config` repeats it. A study (`experiments=`) is a
sweep of its own: several are run one after the other.
"""


def settings_page() -> str:
    """Give the page, the same for the same schema and the same files below ``conf/`` and ``experiments/``."""
    config = compose_config([])
    groups = [field.name for field in fields(Config) if is_dataclass(getattr(config, field.name))]
    parts = [INTRODUCTION, "## A job\n", *_table(config, "", groups)]
    for group in groups:
        parts += [f"\n## `{group}`\n", *_table(getattr(config, group), f"{group}.", [])]
        parts += _choices(config_root() / "conf" / group)
    return "\n".join([*parts, "\n## `experiments`\n", *_studies()]) + "\n"


def _table(node: Any, prefix: str, without: list[str]) -> Iterator[str]:
    """List the settings of a dataclass, with what its docstring says of each."""
    told, types = _parameters(getdoc(type(node)) or ""), get_type_hints(type(node))
    yield "| setting | values | default | meaning |\n|---|---|---|---|"
    for field in fields(node):
        if field.name not in without:
            value = _plain(getattr(node, field.name))
            values = _values(types[field.name])
            yield f"| `{prefix}{field.name}` | {values} | `{value}` | {told[field.name]} |"


def _parameters(docstring: str) -> dict[str, str]:
    """Read the *Parameters* section of a numpy docstring: name to meaning."""
    lines = docstring.partition("Parameters\n")[2].partition("Raises\n")[0].splitlines()[1:]
    told: dict[str, str] = {}
    names: list[str] = []
    for line in lines:
        if re.match(r"\S", line):
            names = [name.strip() for name in line.partition(" : ")[0].split(",")]
        elif line.strip():
            told |= {name: f"{told.get(name, '')} {_code(line.strip())}".strip() for name in names}
    return told


def _code(words: str) -> str:
    return re.sub(r"`+([^`]+)`+", r"`\1`", words).replace("|", r"\|")


def _values(kind: Any) -> str:
    if isinstance(kind, UnionType):
        return " or ".join("null" if part is type(None) else _values(part) for part in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    names = {
        "str": "text",
        "int": "whole number",
        "float": "number",
        "bool": "true, false",
        "Any": "mapping, list or null",
    }
    return names.get(kind.__name__, kind.__name__)


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    return str(value.value) if isinstance(value, Enum) else str(value) if value != "" else '""'


def _choices(folder: Path) -> Iterator[str]:
    """List the YAML files of a group, with the settings that each has."""
    yield "\n| choice | sets |\n|---|---|"
    for file in sorted(folder.glob("*.yaml")):
        chosen = yaml.safe_load(file.read_text()) or {}
        said = ", ".join(f"`{key}={_plain(value)}`" for key, value in chosen.items() if key not in ("defaults", "name"))
        yield f"| `{folder.name}={file.stem}` | {said or 'the defaults'} |"


def _studies() -> Iterator[str]:
    """List the named studies, each headed by the command that runs it."""
    yield "Named studies: files of `experiments/` that hold differences only.\n"
    yield "| study | command |\n|---|---|"
    for file in sorted((config_root() / "experiments").glob("*.yaml")):
        command = next(line for line in file.read_text().splitlines() if "python -m plb_ablate" in line)
        yield f"| `{file.stem}` | `{command.lstrip('# ')}` |"


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8", newline="\n")
    sys.exit(0)
