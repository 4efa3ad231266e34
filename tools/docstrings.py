"""Docstrings as Markdown: roles become code, and a doctest becomes a block. An extension of Griffe, which reads the API reference."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import griffe

if TYPE_CHECKING:
    from griffe import Object

__all__ = ["Markdown", "as_markdown"]

_ROLE = re.compile(r":(?:meth|func|class|mod|data|attr|exc):`~?([^`]+)`")
_DOCTEST = re.compile(r"^( *)>>> .*\n(?:\1\S.*(?:\n|\Z))*", re.MULTILINE)


def as_markdown(text: str) -> str:
    """``text`` with roles as code and doctests fenced."""
    text = _ROLE.sub(r"`\1`", text)
    return _DOCTEST.sub(lambda m: f"```pycon\n{m[0].rstrip()}\n```\n", text + "\n").rstrip()


class Markdown(griffe.Extension):
    """Rewrites the docstring of each object that is loaded."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Griffe: an object was read."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
