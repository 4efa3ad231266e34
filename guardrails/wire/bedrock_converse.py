"""Amazon Bedrock Converse: ``POST /model/{model}/converse`` and ``/model/{model}/converse-stream``.

InvokeModel is not read: its body is each vendor's own, and what cannot be read is refused. A client's ``guardrailConfig``
is inspected and passed on: Amazon's guardrail works behind ours, never instead of it. Its trace, which repeats words that
rules may have masked, is removed where a rule of ours can act. Reasoning is signed: see :mod:`guardrails.wire.signed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from guardrails.wire.bedrock_shapes import ERROR, EVENT, REQUEST, RESPONSE
from guardrails.wire.calls import Group, Of
from guardrails.wire.content_blocks import BlockSession
from guardrails.wire.eventstream import EventStream
from guardrails.wire.format import Event, Format, Request, Route
from guardrails.wire.frames import Frame, Framing
from guardrails.wire.opaque import opaque
from guardrails.wire.places import Channel, following, is_index, named
from guardrails.wire.slots import UninspectedPart
from guardrails.wire.walk import Walk

__all__ = ["Converse", "ConverseStream"]

_ERROR_TYPES = {
    401: "AccessDeniedException", 403: "AccessDeniedException", 404: "ResourceNotFoundException",
    408: "ModelTimeoutException", 429: "ThrottlingException", 503: "ServiceUnavailableException",
}  # fmt: skip


class ConverseSession(BlockSession):
    """A message that comes whole."""

    USAGE: ClassVar[dict[str, Any]] = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}
    BLOCK = "contentBlockIndex"
    SIGNED = "text"
    NOTHING_LEFT: ClassVar[dict[str, Any]] = {"text": "(reasoning removed)"}

    @property
    def streaming(self) -> bool:
        """The path says so, not the body."""
        return False

    @property
    def model(self) -> str:
        """The model, inference profile or prompt that the path names."""
        return self.request.params.get("model", "")

    @staticmethod
    def reasoning(message: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        content = message.get("content") if isinstance(message, dict) else None
        for block in content if isinstance(content, list) else ():
            match block:
                case {"reasoningContent": {"reasoningText": dict(reasoning)}}:
                    yield block, reasoning

    @staticmethod
    def text(text: str) -> dict[str, Any]:
        return {"text": text}

    @staticmethod
    def answered(body: Any) -> Any:
        output = body.get("output") if isinstance(body, dict) else None
        return output.get("message") if isinstance(output, dict) else None

    @staticmethod
    def paired(block: Any, message: str) -> dict[str, Any] | None:
        match block:
            case {"toolUse": {"toolUseId": str(id_), "name": str(name)}} if opaque(id_) and opaque(name):
                return {"toolUse": {"toolUseId": id_, "name": name, "input": {}}}
            case {"toolResult": {"toolUseId": str(id_)}} if opaque(id_):
                return {"toolResult": {"toolUseId": id_, "content": [{"text": message}]}}
        return None

    @classmethod
    def replaced(cls, pairs: list[dict[str, Any]], message: str) -> Any:
        return [p for p in pairs if "toolResult" in p] or [cls.text(message), *pairs]

    def inbound(self) -> Walk:
        """The texts of the request. A prompt that Bedrock keeps is content by reference."""
        walk = super().inbound()
        if ":prompt/" in self.model:
            walk.uninspected.append(UninspectedPart("content by reference", "modelId"))
        return walk

    def outbound(self, body: Any) -> Walk:
        """The texts of the answer."""
        if isinstance(body, dict):
            self._count(body.get("usage"))
        return super().outbound(body)

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


class ConverseStreamSession(ConverseSession):
    """A message as a binary event stream."""

    def __init__(self, format_: type[Format], request: Request) -> None:
        super().__init__(format_, request)
        # Blocks that are open for the client.
        self._open: dict[int, None] = {}

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

    def continues(self, body: Any) -> bool:
        """Blocks of text are one text, as readers see them, until something else comes."""
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
        """Which texts end; what the client knows of is noted by :meth:`sent`."""
        if not isinstance(body, dict):
            return
        index = body.get("contentBlockIndex")
        block = index if isinstance(index, int) else 0
        delta = body.get("delta")
        if isinstance(delta, dict):
            event.bare = set(body) <= _AROUND_DELTA and _only_text(delta)
            reasoning = delta.get("reasoningContent")
            if isinstance(reasoning, dict):
                if isinstance(reasoning.get("text"), str):
                    self._thoughts.of(block).say(reasoning["text"])
                if reasoning.get("signature"):
                    event.closes = frozenset({("reasoning", ("contentBlockIndex", block))})
        elif "start" not in body and "contentBlockIndex" in body:
            event.closes = frozenset({("contentBlockIndex", block)}) if index is block else True
        if "stopReason" in body or "usage" in body or event.frame.headers:
            event.closes = True

    def sent(self, event: Event) -> None:
        """Remember the blocks that are open, what was sent of reasoning, and the numbers of tokens."""
        body = event.frame.body
        if not isinstance(body, dict):
            return
        index = body.get("contentBlockIndex")
        block = index if isinstance(index, int) else 0
        delta = body.get("delta")
        if "start" in body or (isinstance(delta, dict) and not _empty(delta)):
            self._opened(block)
        reasoning = delta.get("reasoningContent") if isinstance(delta, dict) else None
        if isinstance(reasoning, dict):
            if isinstance(reasoning.get("text"), str):
                self._thoughts.send(block, reasoning["text"])
            if reasoning.get("signature"):
                self._thoughts.sign(block, reasoning)
        if not isinstance(delta, dict) and "start" not in body and "contentBlockIndex" in body:
            self._open.pop(block, None)
            self._thoughts.end(block)
        if "stopReason" in body or "usage" in body or event.frame.headers:
            self._count(body.get("usage"))

    def delta(self, channel: Channel, text: str) -> Frame:
        """Blocks of text need no event that opens them."""
        name, places = named(channel)
        index = places.get("contentBlockIndex", 0)
        self._opened(index)
        match name:
            case "input":
                delta: dict[str, Any] = {"toolUse": {"input": text}}
            case "result":
                delta = {"toolResult": [{"text": text}]}
            case "reasoning":
                self._thoughts.of(index).send(text)
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
        self._blocks = max(self._blocks, following((index,)))


class Converse(Format):
    """Messages in, ``output.message`` out. What blocks an answer makes its stop reason ``guardrail_intervened``."""

    name = "bedrock.converse"
    routes = (Route("/model/{model}/converse"),)
    session = ConverseSession
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


class ConverseStream(Converse):
    """As :class:`Converse`, and the answer is a binary event stream."""

    name = "bedrock.converse_stream"
    routes = (Route("/model/{model}/converse-stream"),)
    session = ConverseStreamSession


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


def _frame(event: str, **body: Any) -> Frame:
    return Frame(body, event)
