"""Two spellings of one field: readers that ignore the case of keys take them for the same, and keep either.

Only fields that a format interprets (``messages``, ``role``, ``content``) have to be there once. What is data, such as a
tool's schema or what a tool is called with, has keys of its own: `x` and `X` are two parameters, ``-i`` and ``-I`` two options.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from guardrails.wire.shape import By, Each, Fixed, Part, Shape, Switch

__all__ = ["spelled_twice"]


def spelled_twice(value: Any, part: Part) -> str | None:
    """The first field of a body that stands in it in two spellings (case, width or composition); None when there is none."""
    while isinstance(part, Switch | By | Fixed):
        part = part.choose(value) if isinstance(part, Switch) else part.part
    if isinstance(part, Each):
        for item in value if isinstance(value, list) else [value]:
            found = spelled_twice(item, part.part)
            if found is not None:
                return found
        return None
    if not isinstance(part, Shape) or not isinstance(value, dict):
        return None
    known = part.fields
    others = [name for name in value if name not in known]
    if others:
        here = {name.lower(): name for name in value if name in known}
        for name in others:
            if (clash := _among(name, here)) is not None:
                return clash
    for name, item in value.items():
        if isinstance(item, dict | list):
            found = spelled_twice(item, known.get(name, part.rest))
            if found is not None:
                return found
    return None


def _among(name: str, here: Mapping[str, str]) -> str | None:
    """The field that a reader which ignores case, width and composition takes ``name`` for."""
    if name.isascii():
        return here.get(name.lower())
    folded = ""
    for char in name:
        folded += _folded(char)
        if not any(known.startswith(folded) for known in here):
            return None
    return here.get(folded)


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    # Fields are ASCII, and no ASCII is composed of other characters: a character at a time is enough.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).casefold())
