"""Cases of the lock: it judges definitions and calls, and finds nothing in texts. What it says of them is in tests/mcp/test_lock.py."""

from guardrails.calls import Call, Definition
from guardrails.detectors.lock import Settings
from guardrails.detectors.toollock import Lock
from guardrails.types import Piece, Role
from tests.detectors.case import Case

CASES = [
    Case("a text that names a tool", Settings(Lock()), "mcp__mail__send", kind="negative"),
    Case(
        "a call of no server's tool beside a text",
        Settings(Lock()),
        "send it",
        kind="near-miss",
        context=(Piece("", Role.ASSISTANT, call=Call("send")),),
    ),
    Case(
        "a definition that is pinned beside a text",
        Settings(Lock().pin("mail", [Definition.of({"name": "send"}, "mail")])),
        "send it",
        kind="near-miss",
        context=(Piece("", Role.TOOL, definition=Definition.of({"name": "send"}, "mail")),),
    ),
]
