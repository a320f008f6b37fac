"""Paths as users write them: ``~`` and environment variables are expanded also where no shell has done it."""

import os
import re

from plb_ablate.core.errors import ConfigError

__all__ = ["expand_path", "expand_store"]

_UNSET = re.compile(r"(?:^|/)\$(?:(\w+)|\{(\w+)\})")
_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(.+)", re.DOTALL)


def expand_path(path: str, setting: str = "") -> str:
    """Expand ``~``, ``~user``, ``$NAME`` and ``${NAME}`` in a path; one that exists as it is written stays so.

    Parameters
    ----------
    path : str
    setting : str, optional
        Name of the setting, for the message.

    Raises
    ------
    ConfigError
        If a user or an environment variable does not exist; otherwise a folder of that name would be created.
    """
    if (not path.startswith("~") and "$" not in path) or os.path.lexists(path):
        return path
    expanded = os.path.expanduser(os.path.expandvars(path))  # noqa: PTH111 - it leaves unknown users as they are
    if unset := _UNSET.search(expanded):
        name = unset[1] or unset[2]
        raise ConfigError(
            f"{_named(path, setting)}: the environment variable {name} is not set. Set it, or write the path out."
        )
    if expanded.startswith("~"):
        user = expanded.partition("/")[0]
        raise ConfigError(
            f"{_named(path, setting)}: {user} is no user of this machine. Write the path out; ./{user} means a folder."
        )
    return expanded


def expand_store(uri: str, setting: str) -> str:
    """Expand the path of an SQLite address as `expand_path` does; other addresses are returned unchanged.

    Examples
    --------
    >>> expand_store("sqlite:///results/mlflow.db", "tracking.uri")
    'sqlite:///results/mlflow.db'
    """
    found = _SQLITE.fullmatch(uri)
    return found[1] + expand_path(found[2], setting) if found else uri


def _named(path: str, setting: str) -> str:
    return f"{setting}={path}" if setting else path
