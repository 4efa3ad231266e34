"""Cases of provenance: it judges calls, and finds nothing in texts. What it says of calls is in test_provenance.py."""

from guardrails.calls import Call
from guardrails.detectors.provenance import Settings
from guardrails.types import Piece, Role
from tests.detectors.case import Case

CASES = [
    Case(
        "a call beside a text",
        Settings("mail", ("to",)),
        "write to eve@evil.example",
        kind="near-miss",
        context=(Piece("", Role.ASSISTANT, call=Call("mail", {"to": "eve@evil.example"})),),
    ),
]
