"""Amazon Bedrock Converse: ``POST /model/{model}/converse`` and ``/model/{model}/converse-stream``.

InvokeModel is not read: its body is each vendor's own, and what cannot be read is refused. A client's ``guardrailConfig``
is inspected and passed on: Amazon's guardrail works behind ours, never instead of it. Its trace, which repeats words that
rules may have masked, is removed where a rule of ours can act. Reasoning is signed: see :mod:`guardrails.wire.signed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.wire.bedrock_shapes import ERROR, EVENT, REQUEST, RESPONSE
from guardrails.wire.calls import Blocks, Group, Of
from guardrails.wire.emptied import leave_out_emptied
from guardrails.wire.eventstream import EventStream
from guardrails.wire.form import Channel, Event, Form, Route, is_index
from guardrails.wire.frames import Frame, Framing
from guardrails.wire.shape import Unread, Walk, opaque
from guardrails.wire.signed import UNSIGNED, Signed, leave_out, unsign

__all__ = ["Converse", "ConverseStream"]

# Stands in a message of which nothing but changed reasoning was left: the API takes no message without content.
_NOTHING_LEFT = {"text": "(reasoning removed)"}
_ERROR_TYPES = {
    401: "AccessDeniedException", 403: "AccessDeniedException", 404: "ResourceNotFoundException",
    408: "ModelTimeoutException", 429: "ThrottlingException", 503: "ServiceUnavailableException",
}  # fmt: skip


class Converse(Form):
    """Messages in, ``output.message`` out. What blocks an answer makes its stop reason ``guardrail_intervened``."""

    name = "bedrock.converse"
    routes = (Route("/model/{model}/converse"),)
    REQUEST = REQUEST
    RESPONSE = RESPONSE
    EVENT = EVENT
    ERROR = ERROR
    parts = frozenset(("contentBlockIndex",))
    joined = True

    @classmethod
    def fits(cls, body: Any) -> bool:
        """A list of messages, or none: a prompt that Bedrock keeps may be all there is."""
        return isinstance(body, dict) and isinstance(body.get("messages", []), list)

    def __init__(
        self, body: Any, params: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(body, params, query)
        self._usage = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}

    @property
    def streaming(self) -> bool:
        """The path says so, not the body."""
        return False

    @property
    def model(self) -> str:
        """The model, inference profile or prompt that the path names."""
        return self.params.get("model", "")

    def inbound(self) -> Walk:
        """The texts of the request. A prompt that Bedrock keeps is content by reference; changed reasoning that was signed
        is left out once it is final."""
        walk = super().inbound()
        if ":prompt/" in self.model:
            walk.unread.append(Unread("content by reference", "modelId"))
        messages = self.body.get("messages") if isinstance(self.body, dict) else None
        walk.after.append(leave_out(messages, _reasoning, "text", _NOTHING_LEFT))
        said = [(self.body, "system"), *((m, "content") for m in (messages if isinstance(messages, list) else ()))]
        walk.after.append(leave_out_emptied(said, _text))
        return walk

    def outbound(self, body: Any) -> Walk:
        """The texts of the answer; changed reasoning loses its signature once it is final."""
        walk = super().outbound(body)
        if isinstance(body, dict):
            self._count(body.get("usage"))
            output = body.get("output")
            message = output.get("message") if isinstance(output, dict) else None
            walk.after.append(unsign([reasoning for _, reasoning in _reasoning(message)], "text"))
            walk.after.append(leave_out_emptied([(message, "content")], _text))
        return walk

    def replace(self, turn: int, message: str) -> bool:
        """The message's words go; calls of tools and their results stay as pairs, emptied: the API wants both or none."""
        messages = self.body.get("messages") if isinstance(self.body, dict) else None
        if not isinstance(messages, list) or not isinstance(messages[turn], dict):
            return False
        content = messages[turn].get("content")
        uses: list[dict[str, Any]] = []
        results: list[dict[str, Any]] = []
        for block in content if isinstance(content, list) else ():
            match block:
                case {"toolUse": {"toolUseId": str(id_), "name": str(name)}} if opaque(id_) and opaque(name):
                    uses.append({"toolUse": {"toolUseId": id_, "name": name, "input": {}}})
                case {"toolResult": {"toolUseId": str(id_)}} if opaque(id_):
                    results.append({"toolResult": {"toolUseId": id_, "content": [{"text": message}]}})
        messages[turn]["content"] = results or [{"text": message}, *uses]
        return True

    def refusal(self, message: str) -> Any:
        """An answer as Amazon's own guardrail gives it, with the tokens that were used all the same."""
        return {
            "output": {"message": {"role": "assistant", "content": [{"text": message}]}},
            "stopReason": "guardrail_intervened",
            "usage": dict(self._usage),
            "metrics": {"latencyMs": 0},
        }

    def error(self, status: int, message: str, code: str) -> Any:
        """An error whose type stands in the body, where clients look for it beside the header."""
        kind = _ERROR_TYPES.get(status, "ValidationException" if status < 500 else "InternalServerException")
        return {"message": message, "__type": kind, "reason": code}

    def _count(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self._usage |= {k: usage[k] for k in self._usage if isinstance(usage.get(k), int)}


class ConverseStream(Converse):
    """As :class:`Converse`, and the answer is a binary event stream."""

    name = "bedrock.converse_stream"
    routes = (Route("/model/{model}/converse-stream"),)

    def __init__(
        self, body: Any, params: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(body, params, query)
        # Blocks the client was told of: those that are open, and how many there are.
        self._open: dict[int, None] = {}
        self._blocks = 0
        self._thinking: dict[int, Signed] = {}
        self._calls = Blocks("contentBlockIndex")

    @property
    def streaming(self) -> bool:
        """Always."""
        return True

    def framing(self) -> Framing:
        """The binary event stream."""
        return EventStream()

    def goes_on(self, body: Any) -> bool:
        """Deltas, and events that nobody knows."""
        return not isinstance(body, dict) or "delta" in body or _ONCE.isdisjoint(body)

    def gather(self, frame: Frame) -> list[Group]:
        """The events of a block by which a tool is called are held until its last."""
        body = frame.body
        if frame.headers:
            return self._calls.take(frame, Of.FAILED, None)
        if frame.raw is not None or not isinstance(body, dict) or "stopReason" in body or "usage" in body:
            return self._calls.take(frame, Of.LAST, None)
        given = body.get("contentBlockIndex")
        index = given if is_index(given) else 0
        told = [body[name] for name in ("start", "delta") if name in body]
        if any(isinstance(part, dict) and "toolUse" in part for part in told):
            return self._calls.take(frame, Of.CALL, index)
        if not told and "contentBlockIndex" in body:
            return self._calls.take(frame, Of.END, index)
        return self._calls.take(frame, Of.PART if told else Of.ANY, index)

    def rest(self) -> list[Group]:
        """See :class:`Form`."""
        return self._calls.rest()

    def continues(self, body: Any) -> bool:
        """See :class:`Form`. Blocks of text are one text, as readers see them, until something else comes."""
        match body:
            case {"contentBlockIndex": int(), "delta": {"text": str()} | {"citation": dict()}}:
                return True
            case {"contentBlockIndex": int()}:
                return not {"delta", "start"} & body.keys()
        return False

    def number(self, body: Any) -> None:
        """A text without a block belongs to the first."""
        if isinstance(body, dict) and "delta" in body and not is_index(body.get("contentBlockIndex")):
            body["contentBlockIndex"] = 0

    def observe(self, body: Any, event: Event) -> None:
        """See :class:`Form`. What the client knows of is noted when an event is final, not when it came."""
        if not isinstance(body, dict):
            return
        index = body.get("contentBlockIndex")
        block = index if isinstance(index, int) else 0
        if "start" in body:
            event.walk.after.append(lambda: self._opened(block))
        delta = body.get("delta")
        if isinstance(delta, dict):
            event.bare = set(body) <= _AROUND_DELTA and _only_text(delta)
            event.walk.after.append(lambda: None if _empty(delta) else self._opened(block))
            reasoning = delta.get("reasoningContent")
            if isinstance(reasoning, dict):
                self._reason(block, reasoning, event)
        elif "start" not in body and "contentBlockIndex" in body:
            event.closes = frozenset({("contentBlockIndex", block)}) if index is block else True
            event.walk.after.append(lambda: self._closed(block))
        if "stopReason" in body or "usage" in body or event.frame.headers:
            event.closes = True
            event.walk.after.append(lambda: self._count(body.get("usage")))

    def delta(self, channel: Channel, text: str) -> Frame:
        """Blocks of text need no event that opens them."""
        name, *places = channel if isinstance(channel, tuple) else (channel,)
        index = next((v for k, v in places if k == "contentBlockIndex"), 0)
        self._opened(index)
        match name:
            case "input":
                delta: dict[str, Any] = {"toolUse": {"input": text}}
            case "result":
                delta = {"toolResult": [{"text": text}]}
            case "reasoning":
                self._thinking.setdefault(index, Signed()).send(text)
                delta = {"reasoningContent": {"text": text}}
            case _:
                delta = {"text": text}
        return _frame("contentBlockDelta", contentBlockIndex=index, delta=delta)

    def opening(self) -> list[Frame]:
        """``messageStart``."""
        return [_frame("messageStart", role="assistant")]

    def ending(self, message: str) -> list[Frame]:
        """What is open closes; the message is a block of its own, so that it is told apart from the model's words."""
        index = self._blocks
        return [
            *(_frame("contentBlockStop", contentBlockIndex=i) for i in self._open),
            _frame("contentBlockDelta", contentBlockIndex=index, delta={"text": message}),
            _frame("contentBlockStop", contentBlockIndex=index),
            _frame("messageStop", stopReason="guardrail_intervened"),
            _frame("metadata", usage=dict(self._usage), metrics={"latencyMs": 0}),
        ]

    # -- what the client was sent ------------------------------------------------------------------------------------

    def _opened(self, index: int) -> None:
        self._open[index] = None
        self._blocks = max(self._blocks, index + 1)

    def _closed(self, index: int) -> None:
        self._open.pop(index, None)
        self._thinking.pop(index, None)

    def _reason(self, index: int, reasoning: dict[str, Any], event: Event) -> None:
        """Remember what the model reasoned and, once it is sent, what the client got of it."""
        if isinstance(reasoning.get("text"), str):
            signed = self._thinking.setdefault(index, Signed())
            signed.say(reasoning["text"])
            event.walk.after.append(lambda: signed.send(reasoning["text"]))
        if reasoning.get("signature"):
            event.closes = frozenset({("reasoning", ("contentBlockIndex", index))})
            event.walk.after.append(lambda: self._sign(index, reasoning))

    def _sign(self, index: int, reasoning: dict[str, Any]) -> None:
        signed = self._thinking.get(index)
        if signed is not None and not signed.holds:
            reasoning["signature"] = UNSIGNED


# Fields of the events that come once, of an answer or of a block.
_ONCE = frozenset({"role", "start", "contentBlockIndex", "stopReason", "usage", "__type"})
# Fields of an event of a delta besides the delta.
_AROUND_DELTA = frozenset({"contentBlockIndex", "delta", "p"})


def _only_text(delta: Mapping[str, Any]) -> bool:
    """Whether a delta is nothing but text of a channel."""
    match delta:
        case {"text": str()} | {"toolUse": {"input": str()}} | {"reasoningContent": {"text": str()}}:
            return len(delta) == 1 and all(isinstance(v, str) or len(v) == 1 for v in delta.values())
    return False


def _empty(delta: Mapping[str, Any]) -> bool:
    return _only_text(delta) and all(v == "" or (isinstance(v, dict) and "" in v.values()) for v in delta.values())


def _text(text: str) -> dict[str, Any]:
    return {"text": text}


def _frame(event: str, **body: Any) -> Frame:
    return Frame(body, event)


def _reasoning(message: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The blocks of reasoning of a message, each with the object that holds its text and signature."""
    content = message.get("content") if isinstance(message, dict) else None
    for block in content if isinstance(content, list) else ():
        match block:
            case {"reasoningContent": {"reasoningText": dict(reasoning)}}:
                yield block, reasoning
