"""Whether bytes are a stream, whatever their content type says: clients that asked for one read it out of anything."""

from __future__ import annotations

import re

from guardrails.wire.framing import NDJSON, SSE, Framing, JSONArray

__all__ = ["unasked", "wanted"]

_FIELDS = (b"data:", b"event:", b"retry:", b"id:", b":")
_LONGEST = max(map(len, _FIELDS))
_FIRST_LINE = re.compile(r"\s*(?:data|event|retry|id)?:")
_DATA_LINE = re.compile(r"^data:", re.MULTILINE)


def wanted(framing: Framing, begun: bytes, *, more: bool) -> bool | None:
    """Whether an answer that begins so is a stream in the framing that was asked for; None when that cannot be said yet."""
    head = begun.lstrip(b" \t\r\n")
    if isinstance(framing, SSE):
        if head.startswith(_FIELDS):
            return True
        if more and len(head) < _LONGEST and any(field.startswith(head) for field in _FIELDS):
            return None
        return False
    if not head:
        return None if more else False
    if isinstance(framing, NDJSON):
        return head.startswith(b"{")
    return isinstance(framing, JSONArray) and head.startswith(b"[")


def unasked(framing: Framing, text: str) -> bool:
    """Whether a whole text is a stream of events, or the lines of the framing of its format: values may be cut over them."""
    if isinstance(framing, NDJSON):
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines):
            return True
    return _FIRST_LINE.match(text) is not None and _DATA_LINE.search(text) is not None
