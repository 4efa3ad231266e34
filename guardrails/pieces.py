"""From what callers pass to the pieces that are checked together.

A chat message, `{"role": …, "content": …}`, is understood where it says no more than that: content that is a text, or a
list of parts all of which are texts. Anything else in it could not be inspected, so it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from guardrails.types import Piece, Role

__all__ = ["Checkable", "pieces_of"]

Checkable = str | Piece | Mapping[str, Any] | Sequence[Piece | Mapping[str, Any] | str]

_FIELDS = ("text", "role", "qualifier")
# What chat messages say besides role and content that is no text for anybody.
_MESSAGE = frozenset(("role", "content"))
_ROLES = {"developer": Role.SYSTEM, "function": Role.TOOL}


def pieces_of(given: Checkable) -> tuple[Piece, ...]:
    """The pieces of a text, a piece, a mapping, or a list of these. Raises TypeError and ValueError; no message holds a text."""
    if isinstance(given, str | Piece | Mapping):
        return tuple(_one(given, ""))
    if isinstance(given, list | tuple):
        if not given:
            raise ValueError("there is nothing to check: the list is empty")
        return tuple(piece for i, one in enumerate(given) for piece in _one(one, f"[{i}]"))
    raise TypeError(
        f"check() takes a str, a Piece, a mapping with text (and role, qualifier), or a list of them, not {type(given).__name__}"
    )


def _one(given: Any, place: str) -> list[Piece]:
    if isinstance(given, str):
        return [Piece(given)]
    if isinstance(given, Piece):
        return [given]
    if not isinstance(given, Mapping):
        raise TypeError(f"piece{place} is a str, a Piece or a mapping, not {type(given).__name__}")
    if "content" in given and "text" not in given:
        return _message(given, place)
    unknown = [k for k in given if k not in _FIELDS]
    if unknown or "text" not in given:
        raise TypeError(f"piece{place} {_wrong(unknown)}: a piece has text, and may have role and qualifier")
    return [_piece(place, **given)]


def _wrong(unknown: list[Any]) -> str:
    if not unknown:
        return "has no text"
    name = str(unknown[0])[:30]
    near = {"content": "text", "message": "text", "body": "text", "type": "qualifier"}.get(name) or next(
        iter(get_close_matches(name.lower(), _FIELDS, n=1)), None
    )
    return f"has no field {name!r}" + (f" (did you mean {near!r}?)" if near else "")


def _message(given: Mapping[str, Any], place: str) -> list[Piece]:
    """The pieces of a chat message."""
    more = [str(k)[:30] for k, v in given.items() if k not in _MESSAGE and v is not None]
    if more:
        raise TypeError(
            f"message{place} has {', '.join(sorted(more))} besides role and content, which nobody would look at: write each text as "
            "a piece, {'text': …, 'role': …}, or use the middleware, which reads whole requests"
        )
    role = given.get("role", Role.USER)
    role = _ROLES.get(role, role) if isinstance(role, str) else role
    content = given["content"]
    if isinstance(content, str):
        return [_piece(place, content, role)]
    texts = [part.get("text") if _is_text(part) else part if isinstance(part, str) else None for part in content or ()] if (
        isinstance(content, list | tuple)
    ) else [None]  # fmt: skip
    if not texts or any(not isinstance(t, str) for t in texts):
        raise TypeError(
            f"message{place} has a content that is no text, nor a list of parts that are texts: nobody would look at the rest of it"
        )
    return [_piece(place, text, role) for text in texts if isinstance(text, str)]


def _is_text(part: Any) -> bool:
    return (
        isinstance(part, Mapping)
        and part.get("type", "text") in ("text", "input_text", "output_text")
        and isinstance(part.get("text"), str)
        and set(part) <= {"type", "text"}
    )


def _piece(place: str, text: Any = None, role: Any = Role.USER, qualifier: Any = None) -> Piece:
    try:
        return Piece(text, role) if qualifier is None else Piece(text, role, qualifier)
    except (TypeError, ValueError) as error:
        raise type(error)(f"piece{place}: {error}") from None
