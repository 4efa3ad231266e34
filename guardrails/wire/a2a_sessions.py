"""The exchanges of A2A: what was asked, whose texts are where, and what we say in an agent's stead (see :mod:`guardrails.wire.a2a`)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from guardrails.types import Role, Source
from guardrails.wire import a2a_shapes as shapes
from guardrails.wire import mcp
from guardrails.wire.a2a_streams import Told, Updates
from guardrails.wire.a2a_writing import Revision, Task, Writer, named, older, revision_of
from guardrails.wire.format import Event, Format, Request, Session
from guardrails.wire.frames import Frame
from guardrails.wire.framing import Framing
from guardrails.wire.gemini_shapes import field_of
from guardrails.wire.opaque import is_opaque
from guardrails.wire.places import Channel
from guardrails.wire.walk import Walk

__all__ = ["A2ASession", "CardSession", "NotifiedSession", "ReadingSession", "RestSession"]


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
        message = self._message
        id_ = field_of(message, "messageId") if isinstance(message, dict) else None
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
    def _message(self) -> Any:
        """What the client says."""
        params = self._params
        return params["message"] if "message" in params else params.get("request")

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
        told = {slot.text for slot in Walk(self._message, shapes.SAID, self._role).slots}
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


class A2ASession(mcp.Rpc, _Session):
    """One message of JSON-RPC 2.0."""

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

    def _result(self, body: Any) -> Any:
        if older(body):  # the agent writes as its client reads
            self._write.revision = Revision.OLD_REST
        return body

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


class ReadingSession(RestSession):
    """An answer that has no words is refused by an error that no client repeats."""

    REFUSED = 424


class CardSession(ReadingSession):
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
