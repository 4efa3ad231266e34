"""Gemini: ``…/models/{model}:generateContent``, ``:streamGenerateContent`` and ``:countTokens``, as the Gemini API and
Vertex AI speak them.

A stream is a JSON array of answers, or server-sent events with ``alt=sse``. Parts of an answer that are no text (a call, code,
its result) come whole and interrupt the text; what is said after them is a text of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar

from guardrails.wire import gemini_shapes as shapes
from guardrails.wire.calls import Group
from guardrails.wire.emptied import leave_out_emptied
from guardrails.wire.format import OUTSIDE, Event, Format, Request, Route, Session
from guardrails.wire.framing import SSE, Frame, Framing, JSONArray
from guardrails.wire.gemini_shapes import field_of, snake
from guardrails.wire.places import Channel, is_index, named, numbered
from guardrails.wire.runs import Runs
from guardrails.wire.slots import Mode

__all__ = ["Gemini", "GeminiNumbersSession", "GeminiStream", "GeminiTokens", "routes_of"]

# Tuned models, and the endpoints on which Vertex AI deploys models, are called alike.
_OWNERS = ("models", "tunedModels", "endpoints")
_STATUS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT", 424: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}  # fmt: skip
_FINISH = ("finishReason", "finish_reason")
_COUNTED = ("prompt", "cachedContent", "candidates", "toolUsePrompt", "thoughts", "total")
_COUNTS = frozenset(spelling for name in _COUNTED for spelling in (f"{name}TokenCount", snake(f"{name}TokenCount")))


def routes_of(action: str) -> tuple[Route, ...]:
    """The routes of an action on models of every kind."""
    return tuple(Route(f"/{owner}/{{model}}:{action}") for owner in _OWNERS)


class GeminiSession(Session):
    """The candidates of one answer."""

    LIKE: ClassVar[dict[str, Any]] = {"modelVersion": str, "responseId": str, "createTime": str}
    UNSAID: ClassVar[dict[str, Any]] = {"modelVersion": None, "responseId": "guardrails"}
    USAGE: ClassVar[dict[str, Any]] = {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}

    def __init__(self, format_: type[Format], request: Request) -> None:
        super().__init__(format_, request)
        self._open: dict[int, None] = {}
        self._ended: list[int] = []
        self._runs = Runs()
        # Events since a call whose arguments go on in the next ones, and the candidates that have one.
        self._held: list[Frame] = []
        self._calling: set[int] = set()

    @property
    def streaming(self) -> bool:
        """The action decides, not the body."""
        return False

    def replace(self, turn: int, message: str) -> bool:
        """A call and its result name each other, so neither is replaced as a whole."""
        contents = self._content().get("contents")
        content = contents[turn] if isinstance(contents, list) else contents
        if not isinstance(content, dict) or not isinstance(content.get("parts"), list):
            return False
        for part in content["parts"]:
            if isinstance(part, dict) and any(field_of(part, name) is not None for name in _TIED):
                return False
        content["parts"] = [{"text": message}]
        return True

    def request_steps(self) -> list[Callable[[], None]]:
        """Parts that masking left empty are left out."""
        body = self._content()
        contents = body.get("contents")
        said = [*(contents if isinstance(contents, list) else [contents]), field_of(body, "systemInstruction")]
        return [leave_out_emptied([(c, "parts") for c in said], lambda text: {"text": text})]

    def _content(self) -> Mapping[str, Any]:
        """The request, or the one whose tokens are to be counted."""
        inner = field_of(self.body, "generateContentRequest") if isinstance(self.body, dict) else None
        body = inner if isinstance(inner, dict) else self.body
        return body if isinstance(body, dict) else {}

    def gather(self, frame: Frame) -> list[Group]:
        """A call whose arguments come in pieces is held, with what comes meanwhile, until the last of them."""
        body = frame.body
        if frame.raw is not None or not isinstance(body, dict) or "error" in body:
            held, self._held = self._held, []
            self._calling.clear()
            return [Group([frame])] if isinstance(body, dict) or not held else [Group(held, call=True), Group([frame])]
        for position, candidate in enumerate(_candidates(body)):
            index = candidate["index"] if is_index(candidate.get("index")) else position
            for part in _parts(candidate):
                call = field_of(part, "functionCall")
                if not isinstance(call, dict):
                    continue
                if field_of(call, "willContinue"):
                    self._calling.add(index)
                else:
                    self._calling.discard(index)
            if field_of(candidate, "finishReason") is not None:
                self._calling.discard(index)
        if self._calling:
            self._held.append(frame)
            return []
        held, self._held = self._held, []
        if held:
            return [Group([*held, frame], call=True)]
        return [Group([one]) for one in _apart(frame)]

    def rest(self) -> list[Group]:
        held, self._held = self._held, []
        return [Group(held, call=True, closes=frozenset({("index", i) for i in self._calling}))] if held else []

    def event(self, frame: Frame) -> Event:
        """Each uninterrupted text is a channel."""
        event = super().event(frame)
        if frame.raw is None:
            keys: dict[int, Channel] = {}
            closes = self._close(frame.body, keys)
            for slot in event.walk.slots:
                if slot.mode is Mode.DELTA:
                    slot.channel = keys.get(id(slot._box), slot.channel)
            event.closes = closes or (isinstance(frame.body, dict) and "error" in frame.body)
        return event

    def _close(self, body: Any, keys: dict[int, Channel]) -> frozenset[Channel]:
        """The channels that end with an event; ``keys`` gets the channel of each object that holds a delta."""
        closes: set[Channel] = set()
        # A candidate is open as long as its last event has not passed: that event may be blocked.
        for index in self._ended:
            self._open.pop(index, None)
        self._ended.clear()
        for candidate in _candidates(body):
            index = candidate["index"]
            place = ("index", index)
            for part in _parts(candidate):
                call = field_of(part, "functionCall")
                pieces = field_of(call, "partialArgs") if isinstance(call, dict) else None
                if pieces is not None or (isinstance(call, dict) and field_of(call, "willContinue")):
                    closes |= self._runs.close([("text", place), ("thought", place)])
                    for piece in pieces if isinstance(pieces, list) else [pieces]:
                        if isinstance(piece, dict):
                            keys[id(piece)] = self._runs.channel((f"args:{field_of(piece, 'jsonPath')}", place))
                    if not field_of(call, "willContinue"):
                        closes |= self._runs.close(k for k in self._runs.opened() if place in k)
                elif (others := set(part) - _TEXT) and (others & _CONTENT or not part.get("text")):
                    if part.get("text"):
                        keys[id(part)] = self._runs.channel(("text", place))
                    closes |= self._runs.close(k for k in self._runs.opened() if place in k)
                elif part.get("thought") is True:
                    keys[id(part)] = self._runs.channel(("thought", place))
                elif part.get("text"):
                    keys[id(part)] = self._runs.channel(("text", place))
                    closes |= self._runs.close([("thought", place)])
            if field_of(candidate, "finishReason") is not None:
                closes |= {place, OUTSIDE}
                self._ended.append(index)
            self._open[index] = None
        return frozenset(closes)

    def number(self, body: Any) -> None:
        """A candidate without an index has the one of its position."""
        numbered(_candidates(body))

    def observe(self, body: Any, event: Event) -> None:
        """Remember what our own events repeat, and whether an event has anything but text."""
        if not isinstance(body, dict):
            return
        self._resemble(body)
        usage = field_of(body, "usageMetadata")
        if isinstance(usage, dict):
            self._usage = {k: v for k, v in usage.items() if type(v) is int and k in _COUNTS}
        # The counts of tokens grow with every event, and the last one, which is never bare, has them all.
        event.bare = not set(body) - _ORDINARY and all(
            not set(c) - {"content", "index"} and all(_plain(p) for p in _parts(c)) for c in _candidates(body)
        )

    def delta(self, channel: Channel, text: str) -> Frame:
        name, places = named(channel)
        index = places.get("index", 0)
        if name.startswith("args:"):
            piece = {"jsonPath": name.removeprefix("args:"), "stringValue": text, "willContinue": True}
            part: dict[str, Any] = {"functionCall": {"partialArgs": [piece], "willContinue": True}}
        else:
            part = {"text": text, "thought": True} if name == "thought" else {"text": text}
        return Frame(self._answer([_candidate(index, part)]))

    def refusal(self, message: str) -> Any:
        answer = _candidate(0, {"text": message}, "SAFETY")
        return self._answer([answer], dict(self.USAGE))

    def ending(self, message: str) -> list[Frame]:
        candidates = [_candidate(index, {"text": message}, "SAFETY") for index in list(self._open) or [0]]
        return [Frame(self._answer(candidates, self._usage))]

    def error(self, status: int, message: str, code: str) -> Any:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code, "domain": "guardrails"}
        return {
            "error": {"code": status, "message": message, "status": _STATUS.get(status, "INTERNAL"), "details": [info]}
        }

    def _answer(self, candidates: list[dict[str, Any]], usage: Any = None) -> dict[str, Any]:
        return {"candidates": candidates, **({} if usage is None else {"usageMetadata": usage}), **self._like}


class GeminiStreamSession(GeminiSession):
    """An answer in pieces."""

    @property
    def streaming(self) -> bool:
        return True

    @property
    def _sse(self) -> bool:
        # Google's own transports write `$alt=json;enum-encoding=int`.
        written = self.request.query.get("$alt") or self.request.query.get("alt") or ""
        return written.partition(";")[0].strip().lower() == "sse"

    @property
    def unsupported(self) -> str | None:
        """Two spellings that differ would be two streams."""
        given = {self.request.query[name].partition(";")[0] for name in ("alt", "$alt") if self.request.query.get(name)}
        return "the query gives `alt` and `$alt`, which differ: send one of them" if len(given) > 1 else None

    def framing(self) -> Framing:
        return _Events() if self._sse else _Array()

    def error(self, status: int, message: str, code: str) -> Any:
        body = super().error(status, message, code)
        return body if self._sse else [body]


class GeminiNumbersSession(GeminiSession):
    """The answer is numbers: a refusal can only be an error."""

    def refusal(self, message: str) -> Any:
        return Session.refusal(self, message)


class Gemini(Format):
    """An answer that comes whole."""

    name = "gemini.generate"
    routes = routes_of("generateContent")
    session = GeminiSession

    REQUEST = shapes.REQUEST
    RESPONSE = shapes.RESPONSE
    EVENT = shapes.EVENT
    ERROR = shapes.ERROR

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and isinstance(body.get("contents"), list | dict | str)


class GeminiStream(Gemini):
    """An answer in pieces."""

    name = "gemini.stream"
    routes = routes_of("streamGenerateContent")
    session = GeminiStreamSession


class GeminiTokens(Gemini):
    """Counting the tokens of a request. The answer is numbers: a refusal can only be an error."""

    name = "gemini.tokens"
    routes = routes_of("countTokens")
    session = GeminiNumbersSession
    speaks: ClassVar[bool] = False

    RESPONSE = shapes.COUNT

    @classmethod
    def fits(cls, body: Any) -> bool:
        return super().fits(body) or (
            isinstance(body, dict) and isinstance(field_of(body, "generateContentRequest"), dict)
        )


class _Patient:
    """Some models of this API put a finish reason into every event. It counts when nothing follows, so an event that has
    one waits for the next."""

    _held: Frame | None = None

    def _sorted(self, frames: list[Frame]) -> Iterator[Frame]:
        for frame in frames:
            if frame.comment is not None:
                yield frame
                continue
            if self._held is not None:
                yield _unfinished(self._held, frame)
            ends = any(field_of(c, "finishReason") is not None for c in _candidates(frame.body))
            self._held = frame if ends else None
            if not ends:
                yield frame

    def _last(self) -> list[Frame]:
        held, self._held = self._held, None
        return [] if held is None else [held]


class _Events(_Patient, SSE):
    def feed(self, data: bytes) -> list[Frame]:
        return list(self._sorted(super().feed(data)))

    def finish(self) -> list[Frame]:
        return [*self._sorted(super().finish()), *self._last()]


class _Array(_Patient, JSONArray):
    def feed(self, data: bytes) -> list[Frame]:
        return list(self._sorted(super().feed(data)))

    def finish(self) -> list[Frame]:
        return [*self._sorted(super().finish()), *self._last()]


# Fields of a part that are its text, and those of an answer that every event has.
_TEXT = frozenset({"text", "thought", "thoughtSignature", "thought_signature"})


def _plain(part: dict[str, Any]) -> bool:
    """True for a part that is text and says at most whether it is a thought."""
    return not set(part) - {"text", "thought"} and not isinstance(part.get("thought"), str)


# What interrupts the text of the same part, unlike a mark of it that nobody knows.
_CONTENT = frozenset(
    spelling
    for name in (
        "functionCall", "functionResponse", "toolCall", "toolResponse", "executableCode", "codeExecutionResult",
        "inlineData", "fileData", "audioTranscription",
    )
    for spelling in (name, snake(name))
)  # fmt: skip
_ORDINARY = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})
_PLACED = frozenset({"index", "content"})
_TIED = ("functionCall", "functionResponse", "toolCall", "toolResponse")


def _candidates(body: Any) -> list[dict[str, Any]]:
    found = body.get("candidates") if isinstance(body, dict) else None
    return [c for c in (found if isinstance(found, list) else [found]) if isinstance(c, dict)]


def _parts(candidate: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return [p for p in (parts if isinstance(parts, list) else [parts]) if isinstance(p, dict)]


def _candidate(index: int, part: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    content = {"parts": [dict(part)], "role": "model"}
    return {"content": content, **({} if finish is None else {"finishReason": finish}), "index": index}


def _apart(frame: Frame) -> list[Frame]:
    """An event with several calls as one event a call, so that one that is blocked does not take those before it along."""
    candidates = _candidates(frame.body)
    content = candidates[0].get("content") if len(candidates) == 1 else None
    if not isinstance(content, dict) or not isinstance(parts := content.get("parts"), list):
        return [frame]
    called = [i for i, p in enumerate(parts) if isinstance(p, dict) and isinstance(field_of(p, "functionCall"), dict)]
    if len(called) < 2:
        return [frame]
    edges = [0, *(i + 1 for i in called[:-1]), len(parts)]
    (candidate,) = candidates
    frames: list[Frame] = []
    for start, end in pairwise(edges):
        last = end == len(parts)
        # What an answer says at its end is said once, with the last call.
        about = candidate if last else {k: v for k, v in candidate.items() if k in _PLACED}
        body = frame.body if last else {k: v for k, v in frame.body.items() if k in _ORDINARY}
        one = {**about, "content": {**content, "parts": parts[start:end]}}
        frames.append(replace(frame, body=copy.deepcopy({**body, "candidates": [one]})))
    return frames


def _unfinished(frame: Frame, following: Frame) -> Frame:
    """The frame without the finish reasons of candidates that go on in the next one."""
    going = [c.get("index", i) for i, c in enumerate(_candidates(following.body)) if _parts(c)]
    for i, candidate in enumerate(_candidates(frame.body)):
        if candidate.get("index", i) in going:
            for name in _FINISH:
                candidate.pop(name, None)
    return frame
