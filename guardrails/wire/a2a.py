"""Agent2Agent (A2A), revisions 1.0 and 0.3: what a client tells an agent, and what the agent answers.

A request is one message of JSON-RPC 2.0 (``POST`` at any address that an agent's card names), or a call of the REST binding
(``POST …/message:send``, ``GET …/tasks/{id}``). The agent is to its client what a model is: the request is under the policy's rules
for inputs, as a user's, and the answer under those for outputs. In front of agents of others it is the other way round
(:class:`CalledA2A`), as it always is for what an agent says unasked: its card, and what it notifies. Source: the A2A specification 1.0
and 0.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar

from guardrails.types import Role, Source
from guardrails.wire import a2a_shapes as shapes
from guardrails.wire import mcp
from guardrails.wire.a2a_streams import Told, Updates
from guardrails.wire.a2a_writing import Task, Writer, named, revision_of
from guardrails.wire.format import Event, Format, Request, Route, Session
from guardrails.wire.frames import Frame
from guardrails.wire.framing import Framing
from guardrails.wire.opaque import is_opaque
from guardrails.wire.places import Channel
from guardrails.wire.shape import Kind, Part, Shape
from guardrails.wire.walk import Walk

__all__ = ["A2A", "A2AReading", "A2ARest", "AgentCard", "CalledA2A", "CalledA2AReading", "CalledA2ARest", "Notified"]


class _Wanted(Enum):
    """What a client waits for."""

    ANSWER = "a message or a task"
    TASK = "a task"
    OTHER = "something that has no words"


# How the routes of the REST binding call a task that is read, followed and cancelled.
_NAMED = ("id", "followed", "cancelled")
_STREAMS = frozenset(("SendStreamingMessage", "SubscribeToTask", "message/stream", "tasks/resubscribe"))
_SUBSCRIBES = frozenset(("SubscribeToTask", "tasks/resubscribe"))
_ANSWERS = frozenset(("SendMessage", "message/send", *_STREAMS))
_TASKS = frozenset(("GetTask", "CancelTask", "tasks/get", "tasks/cancel"))
_OTHER = frozenset(
    f"{verb}TaskPushNotificationConfig{ending}"
    for verb, ending in (("Create", ""), ("Set", ""), ("Get", ""), ("List", "s"), ("List", ""), ("Delete", ""))
) | frozenset(f"tasks/pushNotificationConfig/{verb}" for verb in ("set", "get", "list", "delete"))
_METHODS = _ANSWERS | _TASKS | _OTHER | {"ListTasks", "GetExtendedAgentCard", "agent/getAuthenticatedExtendedCard"}


class _Session(Session):
    """What both bindings have in common: an answer that is a message, a task, or a stream of updates."""

    def __init__(self, format_: type[Format], request: Request) -> None:
        super().__init__(format_, request)
        self._role = Role.TOOL if format_.answers is Source.INPUT else Role.ASSISTANT
        self._told = Told()
        version = dict(request.headers).get(b"a2a-version", b"").decode("latin-1") or request.query.get(
            "A2A-Version", ""
        )
        message = self._params.get("message")
        id_ = message.get("messageId") if isinstance(message, dict) else None
        self._write = Writer(revision_of(message, self._method, version), id_)

    def framing(self) -> Framing:
        return Updates(wrapped=bool(self._method))

    # -- what was asked ----------------------------------------------------------------------------------------------

    @property
    def _method(self) -> str:
        """The method of JSON-RPC; empty in the REST binding."""
        return ""

    @property
    def _params(self) -> Mapping[str, Any]:
        return self.body if isinstance(self.body, dict) else {}

    @property
    def _wanted(self) -> _Wanted:
        raise NotImplementedError

    @property
    def _asked(self) -> Task | None:
        """The task that a request names."""
        given = (self._params.get("id"), *map(self.request.params.get, _NAMED))
        return next((Task(named(id_), "") for id_ in given if isinstance(id_, str)), None)

    @property
    def asks_json(self) -> bool:
        """Whether the client takes nothing but JSON."""
        settings = self._params.get("configuration")
        modes = settings.get("acceptedOutputModes") if isinstance(settings, dict) else None
        return isinstance(modes, list) and bool(modes) and all(m == "application/json" for m in modes)

    # -- texts -------------------------------------------------------------------------------------------------------

    def inbound(self) -> Walk:
        role = Role.ASSISTANT if self._role is Role.TOOL else Role.USER
        return Walk(self.body, self.format.REQUEST, role)

    def outbound(self, body: Any) -> Walk:
        self._told.see(self._result(body))
        return self._without_echo(Walk(body, self.format.RESPONSE, self._role))

    def _without_echo(self, walk: Walk) -> Walk:
        """The walk without what a task's history repeats of the client's own message: it was judged when it came."""
        told = {slot.text for slot in Walk(self._params.get("message"), shapes.SAID, self._role).slots}
        if told:
            walk.slots = [s for s in walk.slots if s.text not in told or ".history[" not in f".{s.path}"]
        return walk

    def failed(self, body: Any) -> Walk:
        return Walk(body, self.format.ERROR, self._role)

    def event(self, frame: Frame) -> Event:
        if frame.raw is not None:
            return super().event(frame)
        walk = self._without_echo(Walk(frame.body, self.format.EVENT, self._role, self._spots))
        event = Event(frame, walk)
        event.closes, event.over = self._told.place(self._result(frame.body), walk.slots)
        return event

    def continues(self, body: Any) -> bool:
        return self._told.goes_on(self._result(body))

    def sent(self, event: Event) -> None:
        self._told.see(self._result(event.frame.body))

    def _result(self, body: Any) -> Any:
        """What an answer or event is about."""
        return body

    # -- what we say -------------------------------------------------------------------------------------------------

    def delta(self, channel: Channel, text: str) -> Frame:
        artifact, begun = self._told.artifact(channel)
        task = self._told.task or Task("", "")
        return Frame(self._answered(self._write.chunk(text, artifact, task, append=begun)))

    def refusal(self, message: str) -> Any:
        task = self._told.task or self._asked
        match self._wanted:
            case _Wanted.TASK if task is not None:
                return self._answered(self._write.task(message, task))
            case _Wanted.ANSWER:
                return self._answered(self._write.answer(message, task))
        return self.error(self.REFUSED, message, "guardrails_blocked")

    def ending(self, message: str) -> list[Frame]:
        """A stream that says nothing of a task yet is one message."""
        if self._told.task is None and self._asked is not None:
            return [Frame(self._answered(self._write.answer(message, self._asked)))]
        return [Frame(self._answered(self._write.last(message, self._told.task)))]

    def _answered(self, result: Any) -> Any:
        """A result as this binding sends it."""
        return result


class A2ASession(_Session):
    """One message of JSON-RPC 2.0."""

    @property
    def _method(self) -> str:
        method = self.body.get("method") if isinstance(self.body, dict) else None
        return method if isinstance(method, str) else ""

    @property
    def _params(self) -> Mapping[str, Any]:
        params = self.body.get("params") if isinstance(self.body, dict) else None
        return params if isinstance(params, dict) else {}

    @property
    def _wanted(self) -> _Wanted:
        if self._method in _ANSWERS:
            return _Wanted.ANSWER
        return _Wanted.TASK if self._method in _TASKS else _Wanted.OTHER

    @property
    def streaming(self) -> bool:
        return self._method in _STREAMS

    @property
    def waits(self) -> bool:
        return self._method in _SUBSCRIBES

    @property
    def unsupported(self) -> str | None:
        """What a method that nobody knows does with its texts is not known either."""
        if self._method in _METHODS:
            return None
        return "the method is none of A2A 1.0 or 0.3 (SendMessage, message/send, GetTask …); it was not forwarded"

    def failed(self, body: Any) -> Walk:
        answers = isinstance(body, dict) and body.get("jsonrpc") == "2.0"
        return self.outbound(body) if answers else super().failed(body)

    def error(self, status: int, message: str, code: str) -> Any:  # noqa: ARG002 - JSON-RPC has codes of its own
        said = mcp.error(self._id, message, code)
        said["error"]["data"] = [_info(code)]
        return said

    @property
    def _id(self) -> Any:
        """The request's id, as an answer of ours repeats it; null where it is words."""
        id_ = self.body.get("id") if isinstance(self.body, dict) else None
        return id_ if isinstance(id_, int) or (isinstance(id_, str) and is_opaque(id_)) else None

    def _result(self, body: Any) -> Any:
        return body.get("result") if isinstance(body, dict) else None

    def _answered(self, result: Any) -> Any:
        return {"jsonrpc": "2.0", "id": self._id, "result": result}


class RestSession(_Session):
    """One call of the REST binding."""

    @property
    def _wanted(self) -> _Wanted:
        if not self.format.speaks:
            return _Wanted.OTHER
        return _Wanted.ANSWER if self.streaming or "verb" in self.request.params else _Wanted.TASK

    @property
    def streaming(self) -> bool:
        return self.request.params.get("verb") == "stream" or self.waits

    @property
    def waits(self) -> bool:
        return "followed" in self.request.params

    @property
    def unsupported(self) -> str | None:
        if self.request.params.get("verb", "send") in ("send", "stream"):
            return None
        return "the path is none of A2A's: it has `message:send` and `message:stream`; it was not forwarded"

    def error(self, status: int, message: str, code: str) -> Any:
        named = _STATUS.get(status, "INTERNAL")
        return {"error": {"code": status, "status": named, "message": message, "details": [_info(code)]}}


class _ReadingSession(RestSession):
    """An answer that has no words is refused by an error that no client repeats."""

    REFUSED = 424


class CardSession(_ReadingSession):
    """A card says what an agent can do, to the model that chooses among agents."""

    def outbound(self, body: Any) -> Walk:
        return Walk(body, self.format.RESPONSE, Role.TOOL)


class NotifiedSession(RestSession):
    """What an agent tells whoever asked to be notified. It waits for no answer, and would repeat what is refused."""

    def inbound(self) -> Walk:
        return Walk(self.body, self.format.REQUEST, Role.TOOL)

    @property
    def unanswered(self) -> bool:
        return True


def _info(code: str) -> dict[str, str]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code.upper(), "domain": "guardrails"}


_STATUS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE",
}  # fmt: skip


class A2A(Format):
    """Messages to an agent over JSON-RPC. Its address is what its card says; these are the usual ones."""

    name = "a2a"
    routes: ClassVar[tuple[Route, ...]] = tuple(
        map(Route, ("/", "/a2a", "/a2a/{agent}", "/a2a/{agent}/{binding}", "/jsonrpc", "/rpc"))
    )
    session = A2ASession
    called: ClassVar[str | None] = "a2a.called"
    joined = True
    parts = frozenset(("part",))
    REQUEST = shapes.REQUEST
    RESPONSE = shapes.ANSWER
    EVENT = shapes.EVENT
    ERROR = Shape({"error": shapes.ERROR})

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and body.get("jsonrpc") == "2.0" and isinstance(body.get("method"), str)


class A2ARest(Format):
    """Messages to an agent, and its tasks, over the REST binding (HTTP+JSON)."""

    name = "a2a.rest"
    routes: ClassVar[tuple[Route, ...]] = (
        Route("/message:{verb}"),
        Route("/tasks/{followed}:subscribe"),
        Route("/tasks/{followed}:subscribe", "GET"),
        Route("/tasks/{cancelled}:cancel"),
        Route("/tasks/{id}", "GET"),
    )
    session = RestSession
    called: ClassVar[str | None] = "a2a.called_rest"
    joined = True
    parts = frozenset(("part",))
    REQUEST: ClassVar[Part] = shapes.REQUEST
    RESPONSE: ClassVar[Part] = shapes.RESULT
    EVENT = shapes.RESULT_EVENT
    ERROR = Shape({"error": shapes.ERROR})

    @classmethod
    def fits(cls, body: Any) -> bool:
        return body is None or (isinstance(body, dict) and "jsonrpc" not in body)


class A2AReading(A2ARest):
    """Lists of tasks, and where an agent is to send notifications: answers that have no words of their own."""

    name = "a2a.reading"
    routes: ClassVar[tuple[Route, ...]] = (
        Route("/tasks", "GET"),
        Route("/tasks/{id}/pushNotificationConfigs"),
        Route("/tasks/{id}/pushNotificationConfigs", "GET"),
        Route("/tasks/{id}/pushNotificationConfigs/{config}", "GET"),
        Route("/tasks/{id}/pushNotificationConfigs/{config}", "DELETE"),
    )
    session = _ReadingSession
    called: ClassVar[str | None] = "a2a.called_reading"
    speaks: ClassVar[bool] = False


class AgentCard(A2ARest):
    """An agent's card. What it says goes into the model of whoever chooses among agents."""

    name = "a2a.card"
    routes = tuple(
        Route(path, "GET")
        for path in ("/.well-known/agent-card.json", "/.well-known/agent.json", "/extendedAgentCard", "/v1/card")
    )
    called: ClassVar[str | None] = None
    session = CardSession
    answers: ClassVar[Source] = Source.INPUT
    speaks: ClassVar[bool] = False
    RESPONSE: ClassVar[Part] = shapes.CARD

    @classmethod
    def fits(cls, body: Any) -> bool:
        return body is None


class Notified(A2ARest):
    """What an agent posts to whoever asked to be notified of a task."""

    name = "a2a.push"
    routes = (Route("/a2a/push"),)
    called: ClassVar[str | None] = None
    session = NotifiedSession
    REQUEST: ClassVar[Part] = shapes.RESULT
    RESPONSE = Kind.TEXT
    speaks: ClassVar[bool] = False

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and "jsonrpc" not in body


class CalledA2A(A2A):
    """The same in front of agents of others: what they are told comes from a model, and what they answer goes into one."""

    name = "a2a.called"
    routes = ()
    answers: ClassVar[Source] = Source.INPUT


class CalledA2ARest(A2ARest):
    """The REST binding of agents of others."""

    name = "a2a.called_rest"
    routes = ()
    answers: ClassVar[Source] = Source.INPUT


class CalledA2AReading(A2AReading):
    """Lists of tasks of agents of others."""

    name = "a2a.called_reading"
    routes = ()
    answers: ClassVar[Source] = Source.INPUT
