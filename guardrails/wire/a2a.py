"""Agent2Agent (A2A), revisions 1.0 and 0.3: what a client tells an agent, and what the agent answers.

A request is one message of JSON-RPC 2.0 (``POST`` at any address that an agent's card names), or a call of the REST binding
(``POST …/message:send``, ``GET …/tasks/{id}``). The agent is to its client what a model is: the request is under the policy's rules
for inputs, as a user's, and the answer under those for outputs. In front of agents of others it is the other way round
(:class:`CalledA2A`), as it always is for what an agent says unasked: its card, and what it notifies. Source: the A2A specification 1.0
and 0.3.
"""

from __future__ import annotations

from typing import Any, ClassVar

from guardrails.types import Source
from guardrails.wire import a2a_shapes as shapes
from guardrails.wire.a2a_sessions import A2ASession, CardSession, NotifiedSession, ReadingSession, RestSession
from guardrails.wire.format import Format, Route
from guardrails.wire.shape import Kind, Part, Shape

__all__ = ["A2A", "A2AReading", "A2ARest", "AgentCard", "CalledA2A", "CalledA2AReading", "CalledA2ARest", "Notified"]


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
    bodiless: ClassVar[bool] = True
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
    session = ReadingSession
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
