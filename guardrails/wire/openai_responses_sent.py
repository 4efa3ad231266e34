"""What of a streamed response its client has seen, and how such a stream ends with a message.

The end of a stream repeats what came before: texts, parts, items. So it is written from what was sent, never from what the
upstream said. Only messages are finished with the policy's message. A call that was not whole is not closed and does not
stand in the final answer: nobody should run it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.wire.framing import SSE, Frame
from guardrails.wire.places import following, is_index

__all__ = ["LAST", "Numbered", "SentAnswer"]

# The events that end a response.
LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
_TEXTS = {"output_text": "text", "refusal": "refusal"}


@dataclass(slots=True)
class _SentPart:
    """A part of a message: ``body`` as the client knows it, its text up to date."""

    body: dict[str, Any] = field(repr=False)
    done: bool = False


@dataclass(slots=True)
class _SentItem:
    body: dict[str, Any] = field(repr=False)
    done: bool = False
    parts: dict[int, _SentPart] = field(default_factory=dict)


class Numbered(SSE):
    """Server-sent events whose ``sequence_number`` counts what is sent. The first event keeps its own number."""

    def __init__(self) -> None:
        super().__init__()
        self._last: int | None = None

    def encode(self, frame: Frame) -> bytes:
        """See :class:`Framing`."""
        if isinstance(frame.body, dict):
            own = frame.body.get("sequence_number")
            first = own if is_index(own) else 0
            self._last = following((first - 1 if self._last is None else self._last,))
            frame.body["sequence_number"] = self._last
        return super().encode(frame)


class SentAnswer:
    """The answer as it was sent. ``response`` is what was last said of it as a whole, ``ended``: it has had its end."""

    def __init__(self) -> None:
        self.response: dict[str, Any] | None = None
        self.ended = False
        self._items: dict[int, _SentItem] = {}

    def take(self, body: Mapping[str, Any]) -> None:
        """Remember an event that was sent."""
        kind = body.get("type")
        if not isinstance(kind, str):
            return
        if isinstance(body.get("response"), dict):
            self.response = dict(body["response"])
        self.ended = self.ended or kind in LAST
        index = body.get("output_index")
        if not isinstance(index, int):
            return
        match kind:
            case "response.output_item.added" | "response.output_item.done":
                item = body.get("item")
                known = self._items.setdefault(index, _SentItem({}))
                known.body = dict(item) if isinstance(item, dict) else {}
                known.done = kind.endswith(".done")
                if known.body.get("type") == "message" and not known.done:
                    parts = known.body.get("content")
                    for at, given in enumerate(parts if isinstance(parts, list) else ()):
                        known.parts[at] = _SentPart(dict(given) if isinstance(given, dict) else {})
            case "response.content_part.added" | "response.content_part.done":
                part = body.get("part")
                known_part = self._part(index, body)
                known_part.body = dict(part) if isinstance(part, dict) else {}
                known_part.done = kind.endswith(".done")
            case "response.output_text.delta" | "response.refusal.delta":
                name = kind.split(".")[1]
                part = self._part(index, body).body
                self._items[index].body.setdefault("type", "message")
                said = part.get(_TEXTS[name])
                part["type"] = name
                part[_TEXTS[name]] = (said if isinstance(said, str) else "") + str(body.get("delta") or "")
            case "response.output_text.annotation.added":
                part = self._part(index, body).body
                known_notes = part.get("annotations")
                part["annotations"] = [*(known_notes if isinstance(known_notes, list) else ()), body.get("annotation")]
            case _:
                self._items.setdefault(index, _SentItem({}))

    def end(self, message: str, like: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The events that say ``message`` and end the stream; none when it has ended. ``like``: an empty answer."""
        if self.ended:
            return []
        events: list[dict[str, Any]] = []
        at = next(
            (i for i, item in sorted(self._items.items()) if item.body.get("type") == "message" and not item.done), None
        )
        if at is None:
            at = following(self._items)
            body = {
                "id": "msg_guardrails",
                "type": "message",
                "role": "assistant",
                "status": "in_progress",
                "content": [],
            }
            self._items[at] = _SentItem(body)
            events.append({"type": "response.output_item.added", "output_index": at, "item": dict(body)})
        item = self._items[at]
        where = {"item_id": item.body.get("id", ""), "output_index": at}
        events += self._say(item, where, message)
        item.body = {
            "role": "assistant",
            **item.body,
            "status": "incomplete",
            "content": [part.body for _, part in sorted(item.parts.items())],
        }
        item.done = True
        events.append({"type": "response.output_item.done", "output_index": at, "item": item.body})
        final = {
            **like,
            **(self.response or {}),
            "status": "incomplete",
            "error": None,
            "incomplete_details": {"reason": "content_filter"},
            "output": [item.body for _, item in sorted(self._items.items()) if item.done],
        }
        return [*events, {"type": "response.incomplete", "response": final}]

    def _part(self, index: int, body: Mapping[str, Any]) -> _SentPart:
        place = body.get("content_index")
        item = self._items.setdefault(index, _SentItem({}))
        return item.parts.setdefault(place if isinstance(place, int) else 0, _SentPart({}))

    def _say(self, item: _SentItem, where: Mapping[str, Any], message: str) -> list[dict[str, Any]]:
        """Put ``message`` at the end of an item that is open, and close its parts."""
        events: list[dict[str, Any]] = []
        open_texts = [i for i, part in item.parts.items() if part.body.get("type") == "output_text" and not part.done]
        if not open_texts:
            at = following(item.parts)
            item.parts[at] = _SentPart({"type": "output_text", "text": "", "annotations": [], "logprobs": []})
            added = {"type": "response.content_part.added", "content_index": at, "part": dict(item.parts[at].body)}
            events.append({**added, **where})
            open_texts = [at]
        at = max(open_texts)
        text = item.parts[at].body
        text["text"] = str(text.get("text") or "") + message
        delta = {"type": "response.output_text.delta", "content_index": at, "delta": message, "logprobs": []}
        events.append({**delta, **where})
        for index, part in sorted(item.parts.items()):
            if part.done:
                continue
            part.done = True
            name = str(part.body.get("type"))
            if name == "output_text":
                part.body = {"annotations": [], **part.body, "logprobs": []}
            if name in _TEXTS:
                said = str(part.body.get(_TEXTS[name]) or "")
                done = {"type": f"response.{name}.done", "content_index": index, _TEXTS[name]: said}
                events.append({**done, **({"logprobs": []} if name == "output_text" else {}), **where})
            events.append({"type": "response.content_part.done", "content_index": index, "part": part.body, **where})
        return events
