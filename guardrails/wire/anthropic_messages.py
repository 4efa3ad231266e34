"""Anthropic messages: ``POST …/messages`` and ``POST …/messages/count_tokens``, also as gateways and local servers speak it.

Thinking is signed: see :mod:`guardrails.wire.signed` for what becomes of it where masking changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from guardrails.wire.anthropic_shapes import CONTINUED, ERROR, EVENT, REQUEST, RESPONSE
from guardrails.wire.calls import Group, Of
from guardrails.wire.content_blocks import BlockSession
from guardrails.wire.format import Event, Format, Request, Route, Session
from guardrails.wire.frames import Frame
from guardrails.wire.opaque import opaque
from guardrails.wire.places import Channel, following, is_index, named
from guardrails.wire.shape import Kind, Shape
from guardrails.wire.walk import Walk

__all__ = ["CountTokens", "Messages"]

# The delta that carries a channel's text, and the block that a channel opens.
_DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "input": ("input_json_delta", "partial_json"),
    "compaction": ("compaction_delta", "content"),
}
_BLOCKS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "text": lambda text: {"type": "text", "text": text},
    "thinking": lambda text: {"type": "thinking", "thinking": text, "signature": ""},
    "compaction": lambda text: {"type": "compaction", "content": text},
}
_ERROR_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    408: "timeout_error", 413: "request_too_large", 415: "invalid_request_error", 422: "invalid_request_error",
    429: "rate_limit_error", 503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip


class MessagesSession(BlockSession):
    """A message, from ``message_start`` to ``message_stop``."""

    LIKE: ClassVar[dict[str, Any]] = {"id": str, "model": str}
    UNSAID: ClassVar[dict[str, Any]] = {"id": "msg_guardrails", "model": None}
    USAGE: ClassVar[dict[str, Any]] = {"input_tokens": 0, "output_tokens": 0}
    BLOCK = "index"
    SIGNED = "thinking"
    NOTHING_LEFT: ClassVar[dict[str, Any]] = {"type": "text", "text": "(reasoning removed)"}

    def __init__(self, format_: type[Format], request: Request) -> None:
        super().__init__(format_, request)
        # Blocks that are open for the client, each with whether it waits for its first text.
        self._open: dict[int, bool] = {}

    # -- whole bodies ------------------------------------------------------------------------------------------------

    @staticmethod
    def reasoning(message: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Each block of thinking holds its own text and signature."""
        content = message.get("content") if isinstance(message, dict) else None
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict) and block.get("type") == "thinking":
                yield block, block

    @staticmethod
    def text(text: str) -> dict[str, Any]:
        return {"type": "text", "text": text}

    @staticmethod
    def answered(body: Any) -> Any:
        return body

    @staticmethod
    def paired(block: Any, message: str) -> dict[str, Any] | None:
        match block:
            case {"type": "tool_use", "id": str(id_), "name": str(name)} if opaque(id_) and opaque(name):
                return {"type": "tool_use", "id": id_, "name": name, "input": {}}
            case {"type": "tool_result", "tool_use_id": str(id_)} if opaque(id_):
                return {"type": "tool_result", "tool_use_id": id_, "content": message}
        return None

    @classmethod
    def replaced(cls, pairs: list[dict[str, Any]], message: str) -> Any:
        if not pairs:
            return message
        return pairs if pairs[0]["type"] == "tool_result" else [cls.text(message), *pairs]

    def outbound(self, body: Any) -> Walk:
        """The texts of the message."""
        self._resemble(body)
        return super().outbound(body)

    def refusal(self, message: str) -> Any:
        """A message that says it, stopped as the API's own refusals are, with the tokens that were used all the same."""
        return {
            **self._empty(),
            "content": [{"type": "text", "text": message}],
            "stop_reason": "refusal",
            "stop_details": _details(message),
        }

    def error(self, status: int, message: str, code: str) -> Any:
        """The API's error; clients find ``code`` where it puts its own."""
        kind = _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": message, "details": {"error_code": code}}}

    # -- streams -----------------------------------------------------------------------------------------------------

    def goes_on(self, body: Any) -> bool:
        return not (isinstance(body, dict) and str(body.get("type")) in _ONCE)

    def gather(self, frame: Frame) -> list[Group]:
        """The events of a block by which something is called are held until its last."""
        body = frame.body
        if frame.raw is not None or not isinstance(body, dict):
            return self._calls.take(frame, Of.LAST, None)
        index = body["index"] if is_index(body.get("index")) else 0
        block, delta = body.get("content_block"), body.get("delta")
        match body.get("type"):
            case "content_block_start" if isinstance(block, dict):
                return self._calls.take(frame, Of.CALL if _calls(block) else Of.PART, index)
            case "content_block_stop":
                return self._calls.take(frame, Of.END, index)
            case "message_delta" | "message_stop":
                return self._calls.take(frame, Of.LAST, None)
            case "error":
                return self._calls.take(frame, Of.FAILED, None)
        if isinstance(delta, dict) and ("partial_json" in delta or delta.get("type") == "input_json_delta"):
            return self._calls.take(frame, Of.CALL, index)
        return self._calls.take(frame, Of.PART if "index" in body else Of.ANY, index)

    def continues(self, body: Any) -> bool:
        """Blocks of text are one text, as readers see them, until something else comes."""
        match body:
            case {"type": "content_block_start", "content_block": {"type": "text"}}:
                return True
            case {"type": "content_block_delta", "delta": {"type": "text_delta" | "citations_delta"}}:
                return True
            case {"type": "content_block_stop" | "ping"}:
                return True
        return False

    def number(self, body: Any) -> None:
        """A text without a block belongs to the first."""
        if isinstance(body, dict) and not is_index(body.get("index")):
            delta = body.get("delta")
            if "content_block" in body or (isinstance(delta, dict) and not CONTINUED.keys().isdisjoint(delta)):
                body["index"] = 0

    def observe(self, body: Any, event: Event) -> None:
        """Which texts end; what the client knows of is noted by :meth:`sent`."""
        if not isinstance(body, dict):
            return
        index = body.get("index")
        block = index if isinstance(index, int) else 0
        match body.get("type"):
            case "content_block_start":
                self._think(block, body.get("content_block"))
            case "content_block_delta":
                delta = body.get("delta")
                if isinstance(delta, dict):
                    self._think(block, delta)
                    event.bare = set(delta) <= _BARE.get(str(delta.get("type")), frozenset())
                    if delta.get("type") == "signature_delta" and delta.get("signature"):
                        event.closes = frozenset({("thinking", ("index", block))})
            case "content_block_stop":
                event.closes = frozenset({("index", block)}) if index is block else True
            case "message_delta" | "message_stop" | "error":
                event.closes = True

    def sent(self, event: Event) -> None:
        """Remember the blocks that are open, what was sent of thinking, and what answers of ours repeat."""
        body = event.frame.body
        if not isinstance(body, dict):
            return
        index = body.get("index")
        block = index if isinstance(index, int) else 0
        match body.get("type"):
            case "message_start":
                self._begin(body.get("message"))
            case "content_block_start":
                self._opened(block, body.get("content_block"))
                self._thought(block, body.get("content_block"))
            case "content_block_delta":
                delta = body.get("delta")
                if isinstance(delta, dict):
                    self._thought(block, delta)
                    self._said(block, delta.get("text"))
                    if delta.get("type") == "signature_delta" and event.closes:
                        self._thoughts.sign(block, delta)
            case "content_block_stop":
                self._open.pop(block, None)
                self._thoughts.end(block)
            case "message_delta":
                self._count(body.get("usage"))

    def delta(self, channel: Channel, text: str) -> Frame:
        """For a block the client was not told of yet, the event that opens it with ``text``."""
        name, places = named(channel)
        index = places.get("index", 0)
        if name == "thinking":
            self._thoughts.of(index).send(text)
        self._said(index, text)
        if index not in self._open and name in _BLOCKS:
            block = _BLOCKS[name](text)
            self._opened(index, block)
            return _frame("content_block_start", index=index, content_block=block)
        kind, field = _DELTAS[name]
        return _frame("content_block_delta", index=index, delta={"type": kind, field: text})

    def opening(self) -> list[Frame]:
        """``message_start``."""
        return [_frame("message_start", message={**self._empty(), "content": []})]

    def ending(self, message: str) -> list[Frame]:
        """What is open closes; the message is a block of its own, so that it is told apart from the model's words. A block
        that waits for its first text is taken for it, as the API takes no empty blocks back."""
        waiting = [i for i, waits in self._open.items() if waits]
        index = waiting[-1] if waiting else self._blocks
        start = _frame("content_block_start", index=index, content_block={"type": "text", "text": ""})
        return [
            *(_frame("content_block_stop", index=i) for i in self._open if i != index),
            *([] if waiting else [start]),
            _frame("content_block_delta", index=index, delta={"type": "text_delta", "text": message}),
            _frame("content_block_stop", index=index),
            _frame(
                "message_delta",
                delta={"stop_reason": "refusal", "stop_sequence": None, "stop_details": _details(message)},
                usage={"output_tokens": self._usage["output_tokens"]},
            ),
            _frame("message_stop"),
        ]

    # -- what the client was sent ------------------------------------------------------------------------------------

    def _begin(self, message: Any) -> None:
        self._resemble(message)
        content = message.get("content") if isinstance(message, dict) else None
        self._blocks = len(content) if isinstance(content, list) else 0

    def _resemble(self, answer: Any) -> None:
        super()._resemble(answer)
        if isinstance(answer, dict):
            self._count(answer.get("usage"))

    def _opened(self, index: int, block: Any) -> None:
        self._open[index] = isinstance(block, dict) and block.get("type") == "text" and not block.get("text")
        self._blocks = max(self._blocks, following((index,)))

    def _said(self, index: int, text: Any) -> None:
        if text and index in self._open:
            self._open[index] = False

    def _think(self, index: int, holder: Any) -> None:
        """The model thought this."""
        if isinstance(holder, dict) and isinstance(holder.get("thinking"), str):
            self._thoughts.of(index).say(holder["thinking"])

    def _thought(self, index: int, holder: Any) -> None:
        """The client was sent this of what the model thought."""
        if isinstance(holder, dict) and isinstance(holder.get("thinking"), str):
            self._thoughts.send(index, holder["thinking"])

    def _empty(self) -> dict[str, Any]:
        return {
            **self._like,
            "type": "message",
            "role": "assistant",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": dict(self._usage),
        }


class CountTokensSession(MessagesSession):
    """A number has no place for a message: a refusal is an error."""

    def refusal(self, message: str) -> Any:
        return Session.refusal(self, message)


class Messages(Format):
    """Messages with content blocks in, a message out, named events from ``message_start`` to ``message_stop`` in streams.

    What blocks an answer ends it with ``stop_reason: "refusal"``, the API's own word for a classifier that intervened.
    """

    name = "anthropic.messages"
    named = True
    routes = (Route("/messages"),)
    session = MessagesSession
    REQUEST = REQUEST
    RESPONSE = RESPONSE
    EVENT = EVENT
    ERROR = ERROR
    parts = frozenset(("index",))
    joined = True

    @classmethod
    def fits(cls, body: Any) -> bool:
        """A list of messages."""
        return isinstance(body, dict) and isinstance(body.get("messages"), list)


class CountTokens(Messages):
    """How many tokens a request has: the request is inspected as any other. A number has no place for a message: a
    refusal is an error."""

    name = "anthropic.count_tokens"
    session = CountTokensSession
    speaks: ClassVar[bool] = False
    routes = (Route("/messages/count_tokens"),)
    RESPONSE = Shape({"input_tokens": Kind.OPAQUE, "context_management": Shape({"original_input_tokens": Kind.OPAQUE})})


# Fields of a delta that is nothing but text of a channel, by its type.
_BARE = {kind: frozenset({"type", field, "estimated_tokens"}) for kind, field in _DELTAS.values()} | {
    "compaction_delta": frozenset()
}


def _calls(block: Mapping[str, Any]) -> bool:
    """Whether a block calls something: it has something to call it with, whatever its type is called."""
    return "input" in block or str(block.get("type")).endswith("tool_use")


# The events that come once, of a message or of a block.
_ONCE = frozenset(
    {"message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop", "ping", "error"}
)


def _frame(kind: str, **body: Any) -> Frame:
    return Frame({"type": kind, **body}, kind)


def _details(message: str) -> dict[str, Any]:
    return {"type": "refusal", "category": None, "explanation": message}
