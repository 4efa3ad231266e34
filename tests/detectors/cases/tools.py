"""Cases of the tool policy: it judges calls, and finds nothing in texts. What it says of calls is in test_tools.py."""

from guardrails.calls import Call
from guardrails.detectors.tools import Settings
from guardrails.types import Piece, Role
from tests.detectors.case import Case

CASES = [
    Case("a text that names a tool", Settings("mail.send", allow=False), "call mail.send", kind="negative"),
    Case(
        "a call beside a text",
        Settings("mail.send", allow=False),
        "call mail.send",
        kind="near-miss",
        context=(Piece("", Role.ASSISTANT, call=Call("mail.send")),),
    ),
]
