"""What a wire format is: where text sits in its bodies and events, and how it says what we have to say.

A form is made for one exchange and holds what that exchange needs to stay valid (ids, the model's name, open blocks). It
knows no policy: it hands out slots, takes texts back, and writes refusals in the API's own shape.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeGuard

from guardrails.types import Role
from guardrails.wire.calls import Group
from guardrails.wire.frames import NAME
from guardrails.wire.framing import SSE, Frame, Framing
from guardrails.wire.shape import Kind, Mode, Part, Shape, Slot, Spots, Walk

__all__ = ["OUTSIDE", "Event", "Form", "Route"]

Channel = Hashable
# Among what an event ends: the answer, but for its other choices.
OUTSIDE = "(outside)"


@dataclass(frozen=True, slots=True)
class Route:
    """``POST`` and the end of a path, with parameters in braces: ``/v1/chat/completions``, ``/model/{model}/converse``.

    A path belongs to a route when its last segments match; what comes before them is the application's own prefix.
    """

    path: str
    method: str = "POST"


@dataclass(slots=True)
class Event:
    """One event of a stream: its slots, the channels that are complete before it, and whether it carries anything else.

    ``closes``: names the channels that end here, by their first element or whole, and with :data:`OUTSIDE` texts at places
    that no format names, beside all choices; True: all of them.
    ``box`` holds the text of a line that is no JSON under ``raw``. ``bare``: nothing of it is worth sending once its deltas are empty;
    ``empty``: that is so.
    """

    frame: Frame
    walk: Walk
    closes: bool | frozenset[Channel] = field(default=frozenset())
    bare: bool = False
    empty: bool = False
    box: dict[str, Any] | None = None
    parts: list[Any] = field(default_factory=list, repr=False)


class Form:
    """Base of all formats. A subclass names its routes and shapes, and writes refusals, errors and deltas."""

    name: ClassVar[str]
    routes: ClassVar[tuple[Route, ...]]
    REQUEST: ClassVar[Part] = Kind.TEXT
    RESPONSE: ClassVar[Part] = Kind.TEXT
    EVENT: ClassVar[Part] = Kind.TEXT
    ERROR: ClassVar[Part] = Kind.TEXT
    # Whether an answer has words at all: vectors, counts and lists can only be refused by an error.
    speaks: ClassVar[bool] = True
    # Whether an event is named by the ``type`` in it. Some clients go by the name and others by the type.
    named: ClassVar[bool] = False

    # Whether the parts of a text follow each other at once, as clients of this API read them, also where no word ends.
    glued: ClassVar[bool] = False
    # Whether the parts of a text come in a stream as channels of their own, one after the other.
    joined: ClassVar[bool] = False
    # The places of an answer that count the parts of one text.
    parts: ClassVar[frozenset[str]] = frozenset(("run",))

    def __init__(
        self, body: Any, params: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> None:
        """``body`` is the parsed request, ``params`` the route's parameters (decoded), ``query`` the query's."""
        self.body = body
        self.params = dict(params or {})
        self.query = dict(query or {})
        # Segments of the path that do not look like words or ids: the application reads them, so they are texts too.
        self.segments: tuple[str, ...] = ()
        # Segments and parameters of the path that look like ids.
        self.names: tuple[str, ...] = ()
        self._spots = Spots()

    @classmethod
    def fits(cls, body: Any) -> bool:
        """Whether a body has this format's shape; the route alone does not decide."""
        return isinstance(body, dict)

    @property
    def streaming(self) -> bool:
        """Whether the client asked for a stream."""
        return bool(isinstance(self.body, dict) and self.body.get("stream"))

    @property
    def model(self) -> str:
        """The model's name as the client gave it."""
        model = self.body.get("model") if isinstance(self.body, dict) else None
        return model if isinstance(model, str) else self.params.get("model", "")

    @property
    def asks_json(self) -> bool:
        """Whether the request asks for an answer in JSON."""
        return asks_json(self.body)

    @property
    def unsupported(self) -> str | None:
        """Why this request is not served although it has this format's shape; None when it is."""
        return None

    def framing(self) -> Framing:
        """The stream's framing."""
        return SSE()

    def inbound(self) -> Walk:
        """The texts of the request."""
        return Walk(self.body, self.REQUEST, Role.USER)

    def latest(self, walk: Walk) -> frozenset[int]:
        """The messages of the newest turn: what came after the assistant's last word."""
        newest: set[int] = set()
        roles: dict[int, set[Role]] = {}
        for slot in walk.slots:
            if slot.turn is not None:
                roles.setdefault(slot.turn, set()).add(slot.role)
        for turn in sorted(roles, reverse=True):
            if Role.ASSISTANT in roles[turn] and newest:
                break
            newest.add(turn)
        return frozenset(newest)

    def replace(self, turn: int, message: str) -> bool:
        """Put ``message`` in place of everything message ``turn`` says. False when this format cannot."""
        messages = self.body.get("messages") if isinstance(self.body, dict) else None
        if not isinstance(messages, list) or not isinstance(messages[turn], dict) or "content" not in messages[turn]:
            return False
        if messages[turn].get("tool_calls") or messages[turn].get("tool_call_id"):
            return False
        messages[turn]["content"] = message
        return True

    def outbound(self, body: Any) -> Walk:
        """The texts of an answer that came whole."""
        return Walk(body, self.RESPONSE, Role.ASSISTANT)

    def failed(self, body: Any) -> Walk:
        """The texts of an error the upstream answered with."""
        return Walk(body, self.ERROR, Role.ASSISTANT)

    def gather(self, frame: Frame) -> list[Group]:
        """What is complete with this event of the stream: most are by themselves, those of a call with its last one."""
        return [Group([frame])]

    def rest(self) -> list[Group]:
        """What the end of the stream completes."""
        return []

    def event(self, frame: Frame) -> Event:
        """One event of the stream. Raw lines (``[DONE]``) and unknown events are read as text."""
        if frame.raw is not None:
            box = {"raw": frame.raw}
            walk = Walk(box, _DONE if frame.raw == "[DONE]" else _RAW, Role.ASSISTANT)
            return Event(frame, walk, closes=True, box=box)
        if self.named:
            kind = frame.body.get("type") if isinstance(frame.body, dict) else None
            frame.name = kind if isinstance(kind, str) and NAME.fullmatch(kind) else None
        self.number(frame.body)
        spots = self._spots if self.goes_on(frame.body) else None
        walk = Walk(frame.body, self.EVENT, Role.ASSISTANT, spots)
        event = Event(frame, walk)
        self.observe(frame.body, event)
        return event

    def continues(self, body: Any) -> bool:  # noqa: ARG002 - a format that has blocks looks
        """Whether a text may go on behind an event in the next part: the event ends, begins or carries a part of it."""
        return False

    def goes_on(self, body: Any) -> bool:  # noqa: ARG002 - for formats that know events that come once
        """Whether texts of an event that no shape names may go on in later events; not of one that comes once."""
        return True

    def number(self, body: Any) -> None:
        """Write down the place of every text that an event leaves out: what we send of that text has one."""

    def observe(self, body: Any, event: Event) -> None:
        """Remember what later events need, and say which channels end before this event."""

    def delta(self, channel: Channel, text: str) -> Frame:
        """An event that carries ``text`` for ``channel``."""
        raise NotImplementedError

    def refusal(self, message: str) -> Any:
        """A whole answer that says ``message`` in place of the model's."""
        raise NotImplementedError

    def ending(self, message: str) -> list[Frame]:
        """The events by which a stream that has begun says ``message`` and ends, as this API ends."""
        raise NotImplementedError

    def opening(self) -> list[Frame]:
        """The events that come before any text when the stream has not begun; ``ending`` follows them."""
        return []

    def error(self, status: int, message: str, code: str) -> Any:
        """An error body in this API's shape."""
        return {
            "error": {"message": message, "type": _ERROR_TYPES.get(status, "api_error"), "param": None, "code": code}
        }


_RAW = Shape({"raw": Kind.TEXT})
_DONE = Shape({"raw": Kind.OPAQUE})
_ERROR_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 415: "invalid_request_error", 422: "invalid_request_error", 429: "rate_limit_error",
    503: "overloaded_error",
}  # fmt: skip


def asks_json(body: Any) -> bool:
    """Whether a request says, in the words of any API, that the answer has to be JSON."""
    if not isinstance(body, dict):
        return False
    inner = body.get("generateContentRequest")
    if isinstance(inner, dict):
        body = inner
    if isinstance(kind := body.get("format"), dict | str) and kind and kind != "text":  # Ollama
        return True
    for path in _FORMATS:
        value: Any = body
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and "json" in value.lower():
            return True
    for name in ("generationConfig", "generation_config"):
        config = body.get(name)
        if isinstance(config, dict) and any(config.get(field) for field in _SCHEMAS):
            return True
    return any(body.get(name) for name in ("guided_json", "json_schema", "output_schema"))


# Where the kind of an answer stands: OpenAI (chat, responses), Anthropic, Gemini, Bedrock.
_FORMATS = (
    ("response_format", "type"), ("text", "format", "type"), ("output_format", "type"), ("output_config", "format", "type"),
    ("generationConfig", "responseMimeType"), ("generationConfig", "response_mime_type"),
    ("generation_config", "responseMimeType"), ("generation_config", "response_mime_type"),
    ("outputConfig", "textFormat", "type"), ("response_format",),
)  # fmt: skip
_SCHEMAS = ("responseSchema", "response_schema", "responseJsonSchema", "response_json_schema")


def numbered(items: Any, key: str = "index") -> None:
    """Give each object of a list (or one alone) that has no number for its place the one of its position."""
    for position, item in enumerate(items if isinstance(items, list) else [items]):
        if isinstance(item, dict) and not is_index(item.get(key)):
            item[key] = position


def is_index(value: Any) -> TypeGuard[int]:
    """Whether a value is a number by which events name a place."""
    return isinstance(value, int) and not isinstance(value, bool)


def texts(slots: Iterable[Slot], role: Role) -> str:
    """The texts of one role, joined by line breaks."""
    return "\n".join(s.text for s in slots if s.role is role and s.mode is Mode.WHOLE)
