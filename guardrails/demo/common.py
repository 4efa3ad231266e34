"""What the formats of the demo upstream share: their floor plan, ids, and the framing of server-sent events."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.demo.answers import Answer, Delivery

__all__ = ["CREATED", "Asked", "Failed", "Format", "compact", "ident", "last_of", "listed", "sse", "texts"]

# Everything here is deterministic; a clock would not be. 2026-01-01T00:00:00Z in seconds.
CREATED = 1_767_225_600


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a format sees it: the parsed body, the parameters of the path and of the query."""

    body: dict[str, Any] = field(repr=False)
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    def model(self) -> str:
        """The model that was asked for, wherever it stood."""
        return str(self.body.get("model") or self.path.get("model") or "demo")


@dataclass(frozen=True, slots=True)
class Failed:
    """An error in an API's own shape."""

    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """One API: where the question stands, and how answers look.

    ``question(body)`` is the last text of the user; ``whole`` the body of an answer in one piece; ``stream`` its frames,
    each as the bytes that go out; ``streams`` says whether a stream was asked for; ``failed`` shapes an error.
    """

    question: Callable[[dict[str, Any]], str]
    whole: Callable[[Asked, Answer], Any]
    failed: Callable[[int], Failed]
    stream: Callable[[Asked, Answer, Delivery], Iterator[bytes]] | None = None
    streams: Callable[[Asked], bool] = lambda _: False
    stream_type: Callable[[Asked], str] = lambda _: "text/event-stream"


def compact(value: Any) -> str:
    """JSON as model APIs send it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sse(value: Any, event: str | None = None) -> bytes:
    """One server-sent event; a str is sent as it is (``[DONE]``)."""
    data = value if isinstance(value, str) else compact(value)
    return f"event: {event}\ndata: {data}\n\n".encode() if event else f"data: {data}\n\n".encode()


def ident(prefix: str, asked: Asked) -> str:
    """An id that looks like an API's and depends on nothing but the request."""
    return prefix + hashlib.sha256(compact(asked.body).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def listed(value: Any) -> list[Any]:
    """The list, or an empty one for anything else: the demo answers odd requests too."""
    return value if isinstance(value, list) else []


def texts(content: Any) -> str:
    """The texts of a message's content: a string, or parts that have a ``text``, in order."""
    if isinstance(content, str):
        return content
    parts = (p.get("text") if isinstance(p, dict) else p for p in listed(content))
    return "\n".join(p for p in parts if isinstance(p, str))


def last_of(messages: Any, content: str = "content") -> str:
    """The text of the last message whose role is ``user``, or that has no role."""
    for message in reversed(listed(messages)):
        if isinstance(message, dict) and message.get("role", "user") == "user":
            found = texts(message.get(content))
            if found:
                return found
    return ""
