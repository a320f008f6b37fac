"""Secrets in addresses of stores: refused in settings, taken out of the environment, masked in messages.

Hydra saves every setting, and all users of a machine can list the arguments of its processes: an address with a secret
is therefore refused as an argument. In ``MLFLOW_TRACKING_URI`` it is allowed, as for MLflow itself: the secret is moved
to the variable that MLflow's client or PostgreSQL's reads it from, before any other code sees the address.
"""

import os
import re
from collections.abc import Sequence
from urllib.parse import unquote

from plb_ablate.core.errors import ConfigError

__all__ = ["STORE_VARIABLE", "WAY_OUT", "has_secret", "hide_credentials", "protect_secrets", "without_credentials"]

STORE_VARIABLE = "MLFLOW_TRACKING_URI"
"""Environment variable that names the MLflow store if no setting does."""

_CREDENTIALS = re.compile(r"//(?:[^/\s:]*:\S*|[^/\s]*)@")
"""Matches the text between ``//`` and the last ``@``: a user name, or a user name and a password of any characters."""

_SECRET = r"[\w.-]*(?:password|passwd|passphrase|pwd|token|secret|credential|api_?key|access_?key|signature)[\w.-]*"

_PARAMETER = re.compile(rf"([?&;#](?:{_SECRET}|pass|pw|sig|auth)=)(?![?&;#\s]|$)[^&;#\s]+", re.IGNORECASE)
"""Matches a parameter of an address that has a secret value, such as ``?sslpassword=...``."""

_SECRET_SETTING = re.compile(rf"[~+]*(?:[\w/@-]+\.)+(?:{_SECRET}=.|[\w-]+=\{{.*?{_SECRET}\s*:)", re.IGNORECASE)
"""Matches a setting that would save a secret, such as ``hydra.job.env_set.PGPASSWORD=...``."""

_ADDRESS = re.compile(
    r"([\w.+-]+)://|((?:https?|postgres|postgresql|mysql|mariadb|mssql|oracle)(?:\+\w+)?):/?", re.IGNORECASE
)
"""Matches the start of an address, of a known kind also with missing slashes."""

WAY_OUT = (
    "For a tracking server set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN; for "
    "PostgreSQL use PGPASSWORD or ~/.pgpass. Write an @ that belongs to no password as %40."
)
"""Where credentials belong."""


def has_secret(text: str) -> bool:
    """Whether a text contains an address with a password or token, however it is written.

    A user name alone is a secret in the address of a server (a token), and none in that of a database.

    Examples
    --------
    >>> has_secret("postgresql://me:p/w@host/db"), has_secret("postgresql://me@host:5432/db")
    (True, False)
    """
    plain = text.replace("\\", "") if "://" in text else unquote(text)
    return any(_is_secret((found[1] or found[2]).lower(), plain[found.end() :]) for found in _ADDRESS.finditer(plain))


def _is_secret(scheme: str, rest: str) -> bool:
    """Whether an address without its scheme has a secret."""
    if _PARAMETER.search(rest) or _PARAMETER.search(unquote(rest)):
        return True
    user, at, _ = rest.rpartition("@")
    if scheme.startswith("http"):
        return bool(at) or _has_invalid_port(rest)
    if rest.startswith("/") or scheme.startswith("databricks"):  # no host, so no user; or a scope and a prefix
        return False
    return ":" in unquote(user) if at else _has_invalid_port(rest)


def _has_invalid_port(rest: str) -> bool:
    """Whether the host ends as ``user:password`` does if its ``@`` is missing or encoded."""
    host = re.split(r"[/?#,'\"}\]\s]", rest, maxsplit=1)[0]
    if rest.startswith("[") or "$" in host:  # an IPv6 address, or an interpolation
        return False
    port = host.partition(":")[2]
    return bool(port) and not port.isdigit()


def protect_secrets(arguments: Sequence[str]) -> None:
    """Refuse secrets in the arguments of a command, and take one in `STORE_VARIABLE` out of the address.

    Every command calls this first. An empty `STORE_VARIABLE` is removed, so that it counts as not set.

    Parameters
    ----------
    arguments : sequence of str
        The command line without the program.

    Raises
    ------
    ConfigError
        If an argument has a secret, or the variable has one that can be passed on in no other way; the message does
        not repeat it.
    """
    for number, argument in enumerate(arguments, 1):
        if has_secret(argument) or _SECRET_SETTING.match(argument):
            name = re.match(r"[~+\w./-]+(?==)", argument)
            what = f"{name[0]}=..." if name else f"argument {number}"
            raise ConfigError(
                f"{what} contains credentials. They would be saved with the settings, and other users of this machine "
                f"could see them. Remove them. {WAY_OUT}"
            )
    address = os.environ.get(STORE_VARIABLE, "")
    if not address:
        os.environ.pop(STORE_VARIABLE, None)
    elif has_secret(address):
        os.environ[STORE_VARIABLE] = _passed_on(address)


def _passed_on(address: str) -> str:
    """Move name and password of an address to the variables of the client; return the address without the secret."""
    scheme, _, rest = address.partition("://")
    credentials, _, host = rest.rpartition("@")
    user, colon, password = credentials.partition(":")
    kept = f"{scheme}://{host}" if scheme.startswith("http") else f"{scheme}://{user}@{host}"
    if scheme in ("http", "https") and user and password:
        variables = {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": password}
    elif scheme.startswith("postgresql") and colon and password:
        variables = {"PGPASSWORD": password}
    else:
        variables = {}
    if not variables or has_secret(kept):
        raise ConfigError(f"{STORE_VARIABLE} contains credentials that cannot be kept secret. Remove them. {WAY_OUT}")
    os.environ.update({name: unquote(value) for name, value in variables.items()})
    return kept


def hide_credentials(words: str, uri: str = "") -> str:
    """Mask the credentials of every URI in `words`, and the password of `uri` anywhere in the text.

    Examples
    --------
    >>> hide_credentials("postgresql://me:secret@host/db cannot be reached")
    'postgresql://***@host/db cannot be reached'
    """
    words = _PARAMETER.sub(r"\1***", _CREDENTIALS.sub("//***@", words))
    given = _CREDENTIALS.match(uri.partition(":")[2])
    password = given[0].removesuffix("@").partition(":")[2] if given else ""
    for form in {password, unquote(password)} - {""}:
        words = words.replace(form, "***")
    return words


def without_credentials(uri: str) -> str:
    """Return a URI without its user name and password."""
    return _CREDENTIALS.sub("//", uri)
