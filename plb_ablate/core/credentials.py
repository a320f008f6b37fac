"""Names and passwords in the addresses of stores, which nobody but the store may see."""

import re
from urllib.parse import unquote

__all__ = ["hide_credentials", "without_credentials"]

_CREDENTIALS = re.compile(r"//(?:[^/\s:]*:\S*|[^/\s]*)@")
"""What stands between ``//`` and the last ``@``: a name, or a name and a password, whatever that is made of."""


def hide_credentials(words: str, uri: str = "") -> str:
    """Hide the names and passwords of all addresses in `words`, and the password of `uri` wherever it stands.

    Examples
    --------
    >>> hide_credentials("postgresql://me:secret@host/db cannot be reached")
    'postgresql://***@host/db cannot be reached'
    """
    words = _CREDENTIALS.sub("//***@", words)
    given = _CREDENTIALS.match(uri.partition(":")[2])
    password = given[0].removesuffix("@").partition(":")[2] if given else ""
    for form in {password, unquote(password)} - {""}:
        words = words.replace(form, "***")
    return words


def without_credentials(uri: str) -> str:
    """Give the address of a server without the name and password that it carries."""
    return _CREDENTIALS.sub("//", uri)
