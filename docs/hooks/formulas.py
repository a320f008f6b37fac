"""Turns the formulas of a page into MathML while it is built, so that the finished page needs no script."""

import re
from html import unescape
from typing import Any

__all__ = ["on_page_content"]

_FORMULA = re.compile(r'<(?P<tag>div|span) class="arithmatex">\\[\[(](?P<tex>.*?)\\[\])]</(?P=tag)>', re.DOTALL)


def on_page_content(html: str, **_: Any) -> str:
    """Replace what arithmatex marked; mkdocs calls this for every page."""
    return _FORMULA.sub(_mathml, html)


def _mathml(found: re.Match[str]) -> str:
    from latex2mathml.converter import convert

    display = "block" if found["tag"] == "div" else "inline"
    return str(convert(unescape(found["tex"]).strip(), display=display))
