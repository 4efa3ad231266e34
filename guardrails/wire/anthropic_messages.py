"""Anthropic messages: ``POST …/messages`` and ``POST …/messages/count_tokens``, also as gateways and local servers speak it.

Thinking is signed: see :mod:`guardrails.wire.signed` for what becomes of it where masking changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from guardrails.wire.anthropic_shapes import CONTINUED, ERROR, EVENT, REQUEST, RESPONSE
from guardrails.wire.calls import Blocks, Group, Of
from guardrails.wire.emptied import leave_out_emptied
from guardrails.wire.form import Channel, Event, Form, Route, is_index
from guardrails.wire.frames import Frame
from guardrails.wire.shape import Kind, Shape, Walk, opaque
from guardrails.wire.signed import UNSIGNED, Signed, leave_out, unsign

__all__ = ["CountTokens", "Messages"]

# Stands in a message of which nothing but changed thinking was left: the API takes no message without content.
_NOTHING_LEFT = {"type": "text", "text": "(reasoning removed)"}

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


class Messages(Form):
    """Messages with content blocks in, a message out, named events from ``message_start`` to ``message_stop`` in streams.

    What blocks an answer ends it with ``stop_reason: "refusal"``, the API's own word for a classifier that intervened.
    """

    name = "anthropic.messages"
    named = True
    routes = (Route("/messages"),)
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

    def __init__(
        self, body: Any, params: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(body, params, query)
        self._like: dict[str, Any] = {"id": "msg_guardrails", "model": self.model}
        self._usage: dict[str, Any] = {"input_tokens": 0, "output_tokens": 0}
        # Blocks the client was told of: those that are open, each with whether it waits for its first text, and how many
        # there are.
        self._open: dict[int, bool] = {}
        self._blocks = 0
        self._thinking: dict[int, Signed] = {}
        self._calls = Blocks("index")

    # -- whole bodies ------------------------------------------------------------------------------------------------

    def inbound(self) -> Walk:
        """The texts of the request; changed thinking that was signed is left out once it is final."""
        walk = super().inbound()
        messages = self.body.get("messages") if isinstance(self.body, dict) else None
        walk.after.append(leave_out(messages, _thinking, "thinking", _NOTHING_LEFT))
        said = [(self.body, "system"), *((m, "content") for m in (messages if isinstance(messages, list) else ()))]
        walk.after.append(leave_out_emptied(said, _text))
        return walk

    def outbound(self, body: Any) -> Walk:
        """The texts of the message; changed thinking loses its signature once it is final."""
        self._resemble(body)
        walk = super().outbound(body)
        walk.after.append(unsign([block for block, _ in _thinking(body)], "thinking"))
        walk.after.append(leave_out_emptied([(body, "content")], _text))
        return walk

    def replace(self, turn: int, message: str) -> bool:
        """The message's words go; calls of tools and their results stay as pairs, emptied: the API wants both or none."""
        messages = self.body.get("messages") if isinstance(self.body, dict) else None
        if not isinstance(messages, list) or not isinstance(messages[turn], dict):
            return False
        content = messages[turn].get("content")
        kept: list[dict[str, Any]] = []
        for block in content if isinstance(content, list) else ():
            match block:
                case {"type": "tool_use", "id": str(id_), "name": str(name)} if opaque(id_) and opaque(name):
                    kept.append({"type": "tool_use", "id": id_, "name": name, "input": {}})
                case {"type": "tool_result", "tool_use_id": str(id_)} if opaque(id_):
                    kept.append({"type": "tool_result", "tool_use_id": id_, "content": message})
        if not kept:
            messages[turn]["content"] = message
        elif kept[0]["type"] == "tool_result":
            messages[turn]["content"] = kept
        else:
            messages[turn]["content"] = [{"type": "text", "text": message}, *kept]
        return True

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
        """See :class:`Form`."""
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

    def rest(self) -> list[Group]:
        """See :class:`Form`."""
        return self._calls.rest()

    def continues(self, body: Any) -> bool:
        """See :class:`Form`. Blocks of text are one text, as readers see them, until something else comes."""
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
        """See :class:`Form`. What the client knows of is noted when an event is final, not when it came."""
        if not isinstance(body, dict):
            return
        index = body.get("index")
        block = index if isinstance(index, int) else 0
        match body.get("type"):
            case "message_start":
                event.walk.after.append(lambda: self._begin(body.get("message")))
            case "content_block_start":
                event.walk.after.append(lambda: self._opened(block, body.get("content_block")))
                self._think(block, body.get("content_block"), event)
            case "content_block_delta":
                delta = body.get("delta")
                if isinstance(delta, dict):
                    self._think(block, delta, event)
                    event.walk.after.append(lambda: self._said(block, delta.get("text")))
                    event.bare = set(delta) <= _BARE.get(str(delta.get("type")), frozenset())
                    if delta.get("type") == "signature_delta" and delta.get("signature"):
                        event.closes = frozenset({("thinking", ("index", block))})
                        event.walk.after.append(lambda: self._sign(block, delta))
            case "content_block_stop":
                event.closes = frozenset({("index", block)}) if index is block else True
                event.walk.after.append(lambda: self._closed(block))
            case "message_delta":
                event.closes = True
                event.walk.after.append(lambda: self._count(body.get("usage")))
            case "message_stop" | "error":
                event.closes = True

    def delta(self, channel: Channel, text: str) -> Frame:
        """For a block the client was not told of yet, the event that opens it with ``text``."""
        name, *places = channel if isinstance(channel, tuple) else (channel,)
        index = next((v for k, v in places if k == "index"), 0)
        if name == "thinking":
            self._thinking.setdefault(index, Signed()).send(text)
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

    def _resemble(self, message: Any) -> None:
        """What a refusal has in common with the answer it stands for."""
        if isinstance(message, dict):
            self._like |= {
                k: message[k] for k in ("id", "model") if isinstance(message.get(k), str) and opaque(message[k])
            }
            self._count(message.get("usage"))

    def _count(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self._usage |= {k: usage[k] for k in self._usage if isinstance(usage.get(k), int)}

    def _opened(self, index: int, block: Any) -> None:
        self._open[index] = isinstance(block, dict) and block.get("type") == "text" and not block.get("text")
        self._blocks = max(self._blocks, index + 1)

    def _said(self, index: int, text: Any) -> None:
        if text and index in self._open:
            self._open[index] = False

    def _closed(self, index: int) -> None:
        self._open.pop(index, None)
        self._thinking.pop(index, None)

    def _think(self, index: int, holder: Any, event: Event) -> None:
        """Remember what the model thought and, once it is sent, what the client got of it."""
        if isinstance(holder, dict) and isinstance(holder.get("thinking"), str):
            signed = self._thinking.setdefault(index, Signed())
            signed.say(holder["thinking"])
            event.walk.after.append(lambda: signed.send(holder["thinking"]))

    def _sign(self, index: int, delta: dict[str, Any]) -> None:
        signed = self._thinking.get(index)
        if signed is not None and not signed.holds:
            delta["signature"] = UNSIGNED

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


class CountTokens(Messages):
    """How many tokens a request has: the request is inspected as any other. A number has no place for a message: a
    refusal is an error."""

    name = "anthropic.count_tokens"
    speaks: ClassVar[bool] = False
    routes = (Route("/messages/count_tokens"),)
    RESPONSE = Shape({"input_tokens": Kind.OPAQUE, "context_management": Shape({"original_input_tokens": Kind.OPAQUE})})

    @property
    def streaming(self) -> bool:
        """Never."""
        return False

    def refusal(self, message: str) -> Any:
        """An error that says it."""
        return self.error(400, message, "guardrails_blocked")


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


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _details(message: str) -> dict[str, Any]:
    return {"type": "refusal", "category": None, "explanation": message}


def _thinking(message: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The blocks of thinking of a message; each holds its own text and signature."""
    content = message.get("content") if isinstance(message, dict) else None
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == "thinking":
            yield block, block
