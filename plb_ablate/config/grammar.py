"""Settings as Hydra's grammar reads them: quoting of values, and words for what it cannot read."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, OverrideParseException

__all__ = ["explain", "listed_values", "set_value"]

_SETTING = re.compile(r"(?P<key>(?:\+\+?|~)?[\w./@:-]+)=(?P<value>.*)", re.DOTALL)
_UNKNOWN = re.compile(r"Could not override '([^']*)'.*\bKey '[^']*' (is )?not in", re.DOTALL)
_ADVICE = re.compile(r"(See https://hydra\.cc|To append to your config use| *(object|reference)_type=).*\n?")
"""Lines that help nobody here: advice of Hydra's that does not apply, and names of classes."""


def set_value(key: str, value: str) -> str:
    """Write a setting so that Hydra reads exactly this value.

    Examples
    --------
    >>> set_value("dataset.root", "/d/archive (3)")
    'dataset.root="/d/archive (3)"'
    """
    inner = re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + ('\\"' if found[2] else ""), value)
    return f'{key}="{inner}"'


def listed_values(key: str, typed: Sequence[Override], params: Mapping[str, Any]) -> list[str]:
    """Return the values of a setting that a command lists, or else those that the parameters of its study list.

    Parameters
    ----------
    key : str
        The setting.
    typed : sequence of Override
        The overrides of the command line, the last of which counts.
    params : mapping
        ``hydra.sweeper.params``.
    """
    for override in reversed([override for override in typed if override.key_or_group == key]):
        return [*override.sweep_string_iterator()] if override.is_sweep_override() else [str(override.value())]
    return [value.strip() for value in str(params[key]).split(",")] if key in params else []


def explain(error: Exception, settings: Sequence[str] = (), *, multirun: bool = False) -> str:
    """Describe an error of Hydra's or OmegaConf's, with what to type instead where that is known.

    Parameters
    ----------
    error : Exception
    settings : sequence of str
        The settings of the command, as the shell passed them.
    multirun : bool
        Whether commas separate the values of a sweep.
    """
    if isinstance(error, OverrideParseException):
        return _explain_setting(error.override, settings, multirun)
    words = " ".join(str(part).strip() for part in (error, error.__cause__) if part and str(part).strip())
    ambiguous = re.match(r"Ambiguous value for argument '(.*?)'\n", words, re.DOTALL)
    if isinstance(error, HydraException) and ambiguous and (found := _SETTING.fullmatch(ambiguous[1])):
        key, value = found["key"], found["value"]
        return (
            f"{ambiguous[1]} has several values. For a sweep over them, add -m. For one value with commas in it, type\n"
            f"  {shlex.quote(set_value(key, value))}"
        )
    if unknown := _UNKNOWN.match(words):
        return f"unknown setting: {unknown[1]}. `python -m plb_ablate --help` lists all settings."
    return _ADVICE.sub("", words).strip() or type(error).__name__


def _explain_setting(setting: str, settings: Sequence[str], multirun: bool) -> str:
    found = _SETTING.fullmatch(setting)
    if not found:
        words = f"{setting} is not a setting: type key=value, for example experiments=demo."
        before = settings[list(settings).index(setting) - 1] if setting in list(settings)[1:] else ""
        if (split := _SETTING.fullmatch(before)) and (whole := _readable(split["key"], f"{split['value']} {setting}")):
            words += f" If it belongs to the value before it, type\n  {whole}"
        return words
    key, value = found["key"], found["value"]
    suggestions = [_readable(key, value)]
    if multirun and "," in value:
        parts = value.split(",")
        several = ",".join(part if _reads(f"{key}={part}") else set_value("", part)[1:] for part in parts)
        suggestions.insert(0, shlex.quote(f"{key}={several}") if _reads(f"{key}={several}") else "")
    suggestions = [f"\n  {suggestion}" for suggestion in suggestions if suggestion]
    if not suggestions:
        return f"{setting} cannot be read by Hydra. {_BASICS}"
    which = " (the first for several values, the second for one)" if len(suggestions) > 1 else ""
    return (
        f"{setting} cannot be read: Hydra needs quotes around a value with special characters, and the shell needs "
        f"quotes around those. Type{which}{''.join(suggestions)}"
    )


_BASICS = "A setting is key=value; keys consist of letters, digits, '.', '/', '@', '_' and '-'."


def _readable(key: str, value: str) -> str:
    """Return the words for a shell that set this value; empty if Hydra would read another one."""
    setting = set_value(key, value)
    parsed = _parsed(setting)
    return shlex.quote(setting) if parsed is not None and parsed.value() == value else ""


def _reads(setting: str) -> bool:
    return _parsed(setting) is not None


def _parsed(setting: str) -> Override | None:
    try:
        return OverridesParser.create().parse_override(setting)
    except HydraException:
        return None
