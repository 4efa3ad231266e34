"""Enums of names that people write: an unknown name is answered with those there are."""

from __future__ import annotations

import re
from enum import StrEnum

__all__ = ["Named"]


class Named(StrEnum):
    """Names that people write: an unknown one is answered with those there are, and the nearest."""

    @classmethod
    def _missing_(cls, value: object) -> None:
        from difflib import get_close_matches  # noqa: PLC0415 - for mistakes alone

        names = [m.value for m in cls]
        if not isinstance(value, str):
            raise TypeError(f"{cls.__name__.lower()} is one of {', '.join(names)}, not {type(value).__name__}")
        folded = {n.lower(): n for n in names}
        written = value.strip().lower()
        word = _SAYINGS.get(cls.__name__, {}).get(written, written)
        near = word if word in names else next(
            (folded[n] for n in get_close_matches(word, folded, n=1, cutoff=0.5)), None
        )  # fmt: skip
        # What was written is repeated only where it is a name: it may be a text that stands in the wrong place.
        shown = repr(value) if len(value) <= _LONGEST_NAME and _A_NAME.fullmatch(value) else "this"
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"{shown} is not a valid {cls.__name__}: it is one of {', '.join(names)}{hint}")


# What other products call the same.
_SAYINGS = {
    "Source": {"in": "INPUT", "out": "OUTPUT", "user": "INPUT", "prompt": "INPUT", "request": "INPUT", "question": "INPUT",
               "inbound": "INPUT", "assistant": "OUTPUT", "response": "OUTPUT", "answer": "OUTPUT", "completion": "OUTPUT",
               "outbound": "OUTPUT", "model": "OUTPUT"},
    "Role": {"customer": "user", "human": "user", "client": "user", "agent": "assistant", "bot": "assistant", "ai": "assistant",
             "model": "assistant", "developer": "system", "function": "tool", "context": "document", "source": "document"},
    "Qualifier": {"source": "grounding_source", "context": "grounding_source", "document": "grounding_source",
                  "grounding": "grounding_source", "sources": "grounding_source", "question": "query", "prompt": "query",
                  "user": "query", "content": "guard_content", "answer": "guard_content", "text": "guard_content"},
}  # fmt: skip
_LONGEST_NAME = 30
_A_NAME = re.compile(r"[\w -]+")
