"""Removal of user names and passwords from URIs before they are printed or saved."""

import re
from urllib.parse import unquote

__all__ = ["hide_credentials", "without_credentials"]

_CREDENTIALS = re.compile(r"//(?:[^/\s:]*:\S*|[^/\s]*)@")
"""Matches the text between ``//`` and the last ``@``: a user name, or a user name and a password of any characters."""


def hide_credentials(words: str, uri: str = "") -> str:
    """Mask the credentials of every URI in `words`, and the password of `uri` anywhere in the text.

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
    """Return a URI without its user name and password."""
    return _CREDENTIALS.sub("//", uri)
