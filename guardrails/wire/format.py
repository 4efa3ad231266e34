"""What a wire format is: where text sits in its bodies and events, and how it says what we have to say.

A :class:`Format` holds what is known before any exchange (routes, shapes) and has no state. A :class:`Session` is made for one
exchange and holds what that exchange needs to stay valid (ids, the model's name, open blocks). Neither knows a policy: a
session hands out slots, takes texts back, and writes refusals in the API's own shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from guardrails.types import Role, Source
from guardrails.wire.alike import alike, counts
from guardrails.wire.asked import asks_json
from guardrails.wire.calls import Group
from guardrails.wire.frames import NAME
from guardrails.wire.framing import SSE, Frame, Framing
from guardrails.wire.places import Channel
from guardrails.wire.shape import Kind, Part, Shape
from guardrails.wire.slots import Spots
from guardrails.wire.walk import Walk

__all__ = ["OUTSIDE", "Event", "Format", "Request", "Route", "Session"]

Headers = list[tuple[bytes, bytes]]

# Among what an event ends: the answer, but for its other choices.
OUTSIDE = "(outside)"


@dataclass(frozen=True, slots=True)
class Route:
    """``POST`` and the end of a path, with parameters in braces: ``/v1/chat/completions``, ``/model/{model}/converse``.

    A path belongs to a route when its last segments match; what comes before them is the application's own prefix.
    """

    path: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came.

    ``body``: parsed, None where there is none; ``params``: the route's parameters, decoded; ``query``: the query's. ``segments``:
    those of the path that look neither like words of a route nor like ids (the application reads them, so they are texts too),
    and ``names``: those that look like ids. ``headers``: names in small letters.
    """

    body: Any = field(repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    segments: tuple[str, ...] = field(default=(), repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)
    method: str = "POST"
    headers: Headers = field(default_factory=list, repr=False)


@dataclass(slots=True)
class Event:
    """One event of a stream: its slots, the channels that are complete before it, and whether it carries anything else.

    ``closes``: names the channels that end here, by their first element or whole, and with :data:`OUTSIDE` texts at places
    that no format names, beside all choices; True: all of them.
    ``over``: names the texts of several parts that end with it (by the names of their channels, without the places that count parts).
    ``box`` holds the text of a line that is no JSON under ``raw``. ``bare``: nothing of it is worth sending once its deltas are empty;
    ``empty``: that is so.
    """

    frame: Frame
    walk: Walk
    closes: bool | frozenset[Channel] = field(default=frozenset())
    over: frozenset[Channel] = field(default=frozenset())
    bare: bool = False
    empty: bool = False
    box: dict[str, Any] | None = None
    parts: list[Any] = field(default_factory=list, repr=False)


# Under these an answer of some format says what it says.
_SAID = ("candidates", "choices", "content", "message", "output")


class Session:
    """One exchange: the texts of its request and its answer, what the client was sent, and how it is told of a block.

    Base of all sessions. A subclass writes what its API says in deltas, refusals and ends; what every API needs is here.
    """

    # What answers of ours have in common with the upstream's: fields and their types; what stands there until it has said
    # something (None: the model's name); and the numbers of tokens, 0 until then.
    LIKE: ClassVar[Mapping[str, Any]] = {}
    UNSAID: ClassVar[Mapping[str, Any]] = {}
    USAGE: ClassVar[Mapping[str, Any]] = {}
    # The status of a refusal where answers have no words.
    REFUSED: ClassVar[int] = 400

    def __init__(self, format_: type[Format], request: Request) -> None:
        self.format = format_
        self.request = request
        self.body = request.body
        self._like = {k: self.model if v is None else v for k, v in self.UNSAID.items()}
        self._usage: dict[str, Any] = counts({}, self.USAGE)
        self._spots = Spots()

    @property
    def name(self) -> str:
        """The format's name."""
        return self.format.name

    @property
    def streaming(self) -> bool:
        """Whether the client asked for a stream. Answers without words come whole, whatever the request says."""
        return bool(self.format.speaks and isinstance(self.body, dict) and self.body.get("stream"))

    @property
    def model(self) -> str:
        """The model's name as the client gave it."""
        model = self.body.get("model") if isinstance(self.body, dict) else None
        return model if isinstance(model, str) else self.request.params.get("model", "")

    @property
    def asks_json(self) -> bool:
        """Whether the request asks for an answer in JSON."""
        return asks_json(self.body)

    @property
    def unsupported(self) -> str | None:
        """Why this request is not served although it has this format's shape; None when it is."""
        return None

    @property
    def waits(self) -> bool:
        """Whether the answer is a stream that stays open until something happens: it holds no place among the requests in work."""
        return False

    @property
    def unanswered(self) -> bool:
        """Whether nobody waits for an answer: a request that is blocked is accepted (202), and goes nowhere."""
        return False

    def verify(self) -> None:
        """Compare the headers of the request with its body. Raises Malformed where they disagree."""

    def headers(self, headers: Headers) -> Headers:
        """The headers of the request as they are forwarded with what the body says now."""
        return headers

    def framing(self) -> Framing:
        """The stream's framing."""
        return SSE()

    def inbound(self) -> Walk:
        """The texts of the request, in whose place others may be put before it is forwarded."""
        walk = Walk(self.body, self.format.REQUEST, Role.USER)
        walk.steps = self.request_steps()
        return walk

    def request_steps(self) -> list[Callable[[], None]]:
        """What is still to be done to a request once its texts are final."""
        return []

    def answer_steps(self, body: Any) -> list[Callable[[], None]]:  # noqa: ARG002 - for formats that have any
        """What is still to be done to a whole answer once its texts are final."""
        return []

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
        said = self.message(turn)
        if said is None or "content" not in said or said.get("tool_calls") or said.get("tool_call_id"):
            return False
        said["content"] = message
        return True

    def message(self, turn: int) -> dict[str, Any] | None:
        """Message ``turn`` of the request; None where messages are no list of objects."""
        messages = self.body.get("messages") if isinstance(self.body, dict) else None
        said = messages[turn] if isinstance(messages, list) else None
        return said if isinstance(said, dict) else None

    def outbound(self, body: Any) -> Walk:
        """The texts of an answer that came whole."""
        walk = Walk(body, self.format.RESPONSE, Role.ASSISTANT)
        walk.steps = self.answer_steps(body)
        return walk

    def failed(self, body: Any) -> Walk:
        """The texts of an error the upstream answered with; of an answer, where it sent one with a status that says otherwise."""
        answers = (
            isinstance(body, dict) and "error" not in body and any(isinstance(body.get(k), list | dict) for k in _SAID)
        )
        return self.outbound(body) if answers else Walk(body, self.format.ERROR, Role.ASSISTANT)

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
        if self.format.named:
            kind = frame.body.get("type") if isinstance(frame.body, dict) else None
            frame.name = kind if isinstance(kind, str) and NAME.fullmatch(kind) else None
        self.number(frame.body)
        spots = self._spots if self.goes_on(frame.body) else None
        walk = Walk(frame.body, self.format.EVENT, Role.ASSISTANT, spots)
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

    def send(self, event: Event) -> Frame | None:
        """The frame of an event whose texts are final, as it goes out; None when nothing of it is worth sending.

        For every event that leaves, right before it does: what the client knows of decides how the stream goes on and ends.
        """
        event.walk.close()
        self.sent(event)
        if event.box is not None:
            event.frame.raw = event.box["raw"]
        else:
            event.frame.body = event.walk.root[0]
        return None if event.empty else event.frame

    def sent(self, event: Event) -> None:
        """Remember what the client knows of now."""

    def delta(self, channel: Channel, text: str) -> Frame:
        """An event that carries ``text`` for ``channel``."""
        raise NotImplementedError

    def refusal(self, message: str) -> Any:
        """A whole answer that says ``message`` in place of the model's; an error where answers have no words."""
        return self.error(self.REFUSED, message, "guardrails_blocked")

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

    def _resemble(self, answer: Any) -> None:
        """Remember what answers of ours have in common with the upstream's."""
        if isinstance(answer, dict):
            self._like |= alike(answer, self.LIKE)

    def _count(self, usage: Any) -> None:
        """Remember the numbers of tokens that the upstream gave."""
        self._usage = counts(usage, self.USAGE)


class Format:
    """Base of all formats: a class that names its routes and shapes, and the sessions of its exchanges. It has no objects."""

    name: ClassVar[str]
    routes: ClassVar[tuple[Route, ...]]
    session: ClassVar[type[Session]] = Session
    REQUEST: ClassVar[Part] = Kind.TEXT
    RESPONSE: ClassVar[Part] = Kind.TEXT
    EVENT: ClassVar[Part] = Kind.TEXT
    ERROR: ClassVar[Part] = Kind.TEXT
    # Whether an answer has words at all: vectors, counts and lists can only be refused by an error.
    speaks: ClassVar[bool] = True
    # Whether a body or event is one message of a protocol (JSON-RPC), which is checked by itself.
    messages: ClassVar[bool] = False
    # The policy's direction of answers; requests are under the other one. INPUT: they go into a model of the client's.
    answers: ClassVar[Source] = Source.OUTPUT
    # Whether a request may come without a body, whatever its method.
    bodiless: ClassVar[bool] = False
    # The name of the format that takes its place in front of agents of others.
    called: ClassVar[str | None] = None
    # Whether an event is named by the ``type`` in it. Some clients go by the name and others by the type.
    named: ClassVar[bool] = False
    # Whether the parts of a text come in a stream as channels of their own, one after the other.
    joined: ClassVar[bool] = False
    # The places of an answer that count the parts of one text.
    parts: ClassVar[frozenset[str]] = frozenset(("run",))

    @classmethod
    def fits(cls, body: Any) -> bool:
        """Whether a body has this format's shape; the route alone does not decide."""
        return isinstance(body, dict)

    @classmethod
    def open(
        cls,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        *,
        segments: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
        method: str = "POST",
        headers: Headers | None = None,
    ) -> Session:
        """The session of an exchange that begins with such a request; see :class:`Request`."""
        return cls.session(cls, Request(body, params or {}, query or {}, segments, names, method, headers or []))


_RAW = Shape({"raw": Kind.TEXT})
_DONE = Shape({"raw": Kind.OPAQUE})
_ERROR_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 415: "invalid_request_error", 422: "invalid_request_error", 429: "rate_limit_error",
    503: "overloaded_error",
}  # fmt: skip
