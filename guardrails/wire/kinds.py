"""How a value of a body is read."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["UNNAMED", "Kind"]


class Kind(StrEnum):
    """How a value is read.

    ``text``: inspected, may be rewritten; inside an object or list, every string, number and key. ``unnamed``, ``part`` and
    ``media``: as ``text``, and media in it are reported (see :mod:`guardrails.wire.media`): at a place that no shape
    names, in a part of a message of an unknown type, in something that says it is media. ``opaque``: an id, enum or
    number; a string that does not look like one is inspected all the same. ``json``: JSON in a string, every string inside it
    is text. ``tool``: as ``text``, and it is what a tool is called with. ``reference``: content that lies elsewhere; nobody can inspect it, and the reference itself is text. ``binary``:
    base64; nobody can inspect it. ``seal``: base64 by which an API knows its own words again (a signature), not content; what
    does not look like one is text. ``state``: the same for what a program wrote for itself and comes back to it (also a
    cursor), dots and colons included. ``drop``: repeats other fields in another form and is removed where an output rule can act. ``tokens``: a list of token ids is
    content nobody can inspect. ``numbers``: a list of numbers, or an embedding in base64, is skipped.
    """

    TEXT = "text"
    UNNAMED = "unnamed"
    PART = "part"
    MEDIA = "media"
    OPAQUE = "opaque"
    TOOL = "tool"
    JSON = "json"
    REFERENCE = "reference"
    BINARY = "binary"
    SEAL = "seal"
    STATE = "state"
    DROP = "drop"
    TOKENS = "tokens"
    NUMBERS = "numbers"


# The kinds of what no shape names.
UNNAMED = frozenset((Kind.UNNAMED, Kind.PART, Kind.MEDIA))
