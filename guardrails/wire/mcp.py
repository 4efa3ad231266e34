"""Model Context Protocol over HTTP: ``POST``, ``GET`` and ``DELETE …/mcp``, all revisions since 2025-03-26.

A body is one JSON-RPC 2.0 message. Directions are those of the model on the client's side: what a server sends goes into its
context (INPUT), what a server is sent comes from it (OUTPUT). Messages are checked one by one, whole, also in streams
(:mod:`guardrails.exchange.messages`); this module knows what they look like, and how one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

from guardrails.types import Role, Source
from guardrails.wire.format import Format, Route, Session
from guardrails.wire.framing import SSE, Frame, Framing
from guardrails.wire.mcp_headers import Mirrored
from guardrails.wire.mcp_shapes import MESSAGE
from guardrails.wire.shape import Kind, Shape
from guardrails.wire.walk import Walk

__all__ = [
    "CALL",
    "MCP",
    "McpSession",
    "MessageKind",
    "Rpc",
    "Sender",
    "call_refused",
    "error",
    "is_message",
    "kind_of",
    "of_typed_revision",
]

CALL = "tools/call"
# Codes of JSON-RPC 2.0, of MCP, and ours from the range that MCP leaves to implementations.
_CODES = {"parse_error": -32700, "invalid_request": -32600, "header_mismatch": -32020, "guardrails_blocked": -32011}
_OURS = -32010
# The first revision in which a result says what type it is of.
_TYPED = "2026-07-28"


class Sender(StrEnum):
    """Who sends a message. A server's goes into a model's context, a client's comes from there."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def source(self) -> Source:
        """The direction of the policy that its messages are under."""
        return Source.OUTPUT if self is Sender.CLIENT else Source.INPUT

    @property
    def role(self) -> Role:
        """Who wrote the texts of its messages."""
        return Role.ASSISTANT if self is Sender.CLIENT else Role.TOOL

    @property
    def other(self) -> Sender:
        """Who reads them."""
        return Sender.SERVER if self is Sender.CLIENT else Sender.CLIENT


class MessageKind(StrEnum):
    """What a JSON-RPC message is."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESULT = "result"
    ERROR = "error"


# What a message of each kind has beside ``jsonrpc``: all of the first, and any of the second.
_FIELDS: dict[MessageKind, tuple[frozenset[str], frozenset[str]]] = {
    MessageKind.REQUEST: (frozenset(("id", "method")), frozenset(("params",))),
    MessageKind.NOTIFICATION: (frozenset(("method",)), frozenset(("params",))),
    MessageKind.RESULT: (frozenset(("id", "result")), frozenset()),
    MessageKind.ERROR: (frozenset(("error",)), frozenset(("id",))),
}


def kind_of(message: Any) -> MessageKind | None:
    """What a value is; None for what is no message of JSON-RPC 2.0, a list of messages (a batch) included."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return None
    names = message.keys() - {"jsonrpc"}
    for kind, (needed, more) in _FIELDS.items():
        if needed <= names <= needed | more:
            return kind if _well_formed(message, kind) else None
    return None


def is_message(value: Any) -> bool:
    """Whether a value is a message."""
    return kind_of(value) is not None


def of_typed_revision(params: Mapping[str, Any]) -> bool:
    """Whether a request with these parameters is of a revision in which results say what type they are of."""
    meta = params.get("_meta")
    said = meta.get("io.modelcontextprotocol/protocolVersion") if isinstance(meta, dict) else None
    return isinstance(said, str) and said >= _TYPED


def _well_formed(message: Mapping[str, Any], kind: MessageKind) -> bool:
    if kind in (MessageKind.REQUEST, MessageKind.RESULT) and not _is_id(message["id"]):
        return False
    if kind is MessageKind.ERROR and not (message.get("id") is None or _is_id(message["id"])):
        return False
    if "method" in message and not isinstance(message["method"], str):
        return False
    return all(isinstance(message[key], dict) for key in ("params", "result", "error") if key in message)


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def error(id_: Any, message: str, code: str = "guardrails_blocked") -> dict[str, Any]:
    """An error of ours: ``code`` is the middleware's name for it, and stands in ``data`` beside JSON-RPC's number."""
    return {
        "jsonrpc": "2.0",
        "id": id_,
        "error": {"code": _CODES.get(code, _OURS), "message": message, "data": {"code": code}},
    }


def call_refused(id_: Any, message: str, *, typed: bool) -> dict[str, Any]:
    """The result of a call that was refused: the model reads it, and can go on. ``typed``: for a revision in which results have types."""
    result: dict[str, Any] = {"content": [{"type": "text", "text": message}], "isError": True}
    return {"jsonrpc": "2.0", "id": id_, "result": {"resultType": "complete", **result} if typed else result}


class Events(SSE):
    """Server-sent events whose ids a client may come back with (``Last-Event-ID``), so they are passed on."""

    resumes: ClassVar[bool] = True


class Rpc:
    """What a message of JSON-RPC 2.0 asks for; a body that is none asks for nothing."""

    body: Any

    @property
    def _method(self) -> str:
        method = self.body.get("method") if isinstance(self.body, dict) else None
        return method if isinstance(method, str) else ""

    @property
    def _params(self) -> Mapping[str, Any]:
        params = self.body.get("params") if isinstance(self.body, dict) else None
        return params if isinstance(params, dict) else {}


class McpSession(Rpc, Session):
    """One POST, GET or DELETE. A notification and a client's answer are answered with 202 and nothing else."""

    def __init__(self, format_: type[Format], request: Any) -> None:
        super().__init__(format_, request)
        self.kind = kind_of(self.body)
        self._mirrored = Mirrored(self.body if isinstance(self.body, dict) else {})

    @property
    def streaming(self) -> bool:
        return self.kind is MessageKind.REQUEST or (self.body is None and self.request.method == "GET")

    @property
    def waits(self) -> bool:
        return self.body is None or self._method == "subscriptions/listen"

    @property
    def unanswered(self) -> bool:
        return self.kind is not None and self.kind is not MessageKind.REQUEST

    @property
    def asks_json(self) -> bool:
        return False

    @property
    def typed(self) -> bool:
        """Whether the request is of a revision in which results have types."""
        return of_typed_revision(self._params)

    def framing(self) -> Framing:
        return Events()

    def verify(self) -> None:
        self._mirrored.verify(self.request.headers)

    def headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        return self._mirrored.renewed(headers)

    def read(self, message: Any, sender: Sender) -> Walk:
        """The texts of a message."""
        return Walk(message, MESSAGE, sender.role)

    def inbound(self) -> Walk:
        return self.read(self.body, Sender.CLIENT)

    def outbound(self, body: Any) -> Walk:
        return self.read(body, Sender.SERVER)

    def failed(self, body: Any) -> Walk:
        return self.outbound(body) if is_message(body) else Walk(body, Kind.TEXT, Role.TOOL)

    def refusal(self, message: str) -> Any:
        id_ = self.body.get("id") if isinstance(self.body, dict) else None
        # A call that makes a task is answered with the task, and has no place for words.
        if self._method == CALL and "task" not in self._params:
            return call_refused(id_, message, typed=self.typed)
        return error(id_, message)

    def ending(self, message: str) -> list[Frame]:
        return [Frame(self.refusal(message), "message")] if self.kind is MessageKind.REQUEST else []

    def error(self, status: int, message: str, code: str) -> Any:  # noqa: ARG002 - JSON-RPC has codes of its own
        id_ = self.body.get("id") if self.kind is MessageKind.REQUEST else None
        return error(id_, message, code)


class MCP(Format):
    """Messages of MCP, and the streams in which a server's come."""

    name = "mcp"
    routes = (Route("/mcp"), Route("/mcp", "GET"), Route("/mcp", "DELETE"))
    session = McpSession
    messages: ClassVar[bool] = True
    answers: ClassVar[Source] = Source.INPUT
    REQUEST = MESSAGE
    RESPONSE = MESSAGE
    EVENT = MESSAGE
    ERROR = Shape({}, rest=Kind.TEXT)

    @classmethod
    def fits(cls, body: Any) -> bool:
        return body is None or is_message(body)
