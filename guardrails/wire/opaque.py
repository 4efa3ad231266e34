"""What a string or number of a body looks like: an id, a signature, base64, or something that may name a person."""

from __future__ import annotations

import re

from guardrails.wire.vectors import is_base64

__all__ = ["is_content", "is_inline", "is_opaque", "is_personal", "is_seal", "is_token", "number", "opaque", "personal"]

# What an id, enum, media type, model name or time looks like. Anything else in an opaque field is text.
_OPAQUE = re.compile(r"[A-Za-z0-9_.:/@+=~|#-]{0,128}")
# … and what looks like one and may name a person: an e-mail address, or a number as long as a telephone's or a card's.
_PERSONAL = re.compile(r"@[^@]*\.|^(?!\d{4}-\d\d-\d\d$)\+?[\d.:/-]{9,}$")
_TOKEN = re.compile(r"[A-Za-z0-9+/_.:~-]*={0,2}")
_LONGEST_NUMBER = 256
# What a signature looks like, which is longer than an id.
_SEAL = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
# Floats below this are written in digits alone by most writers of JSON (ECMAScript's Number::toString).
_PLAIN_NUMBERS = 1e21
# What stands before the content is a media type, and not a place for words or long numbers.
_INLINE = re.compile(r"data:(?![^,]*\d{9})[a-z0-9.+_;=\"/-]{0,200}?;base64,", re.IGNORECASE)


def opaque(value: object) -> bool:
    """Whether a value is what an opaque field is not inspected for: a number or what looks like an id, enum or time."""
    return isinstance(value, int | float) or (isinstance(value, str) and is_opaque(value))


def number(value: float) -> str:
    """A JSON number as people read it: one whose fraction is zero is a whole number, however it was stored."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _PLAIN_NUMBERS
    return repr(int(value) if whole else value)


def is_opaque(value: str) -> bool:
    """Whether a string looks like an id, an enum or a number: nothing a person or a model would read as text."""
    return _OPAQUE.fullmatch(value) is not None and not is_personal(value)


def is_personal(value: str) -> bool:
    """Whether a string holds a number as long as a telephone's or a card's, which no name of a parameter has."""
    return _PERSONAL.search(value) is not None


def is_content(value: str) -> bool:
    """Whether a string is nothing but base64, broken into lines perhaps. Words have blanks between them, numbers no letters."""
    if value[:5].lower() == "data:" or not is_base64(value.rstrip()):
        return False
    # Nobody's number is as long as that, and a pattern would take a second for an image.
    return len(value) > _LONGEST_NUMBER or not _PERSONAL.search(value.strip())


def is_seal(value: str) -> bool:
    """Whether a string looks like a signature."""
    return _SEAL.fullmatch(value) is not None and not is_personal(value)


def is_token(value: str) -> bool:
    """Whether a string is one word of the characters of tokens: base64, a JSON Web Token, the state that a server wrote for itself."""
    return _TOKEN.fullmatch(value) is not None and not is_personal(value)


def is_inline(value: str) -> bool:
    """Whether a ``data:`` address holds nothing but base64."""
    inline = _INLINE.match(value)
    return inline is not None and is_content(value[inline.end() :])


def personal(value: float) -> bool:
    """Whether a number is as long as a telephone's or a card's."""
    return _PERSONAL.search(repr(value)) is not None
