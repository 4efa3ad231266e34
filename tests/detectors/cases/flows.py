"""Cases of flows: they judge calls, and find nothing in texts. What they say of calls is in test_provenance.py."""

from guardrails.calls import Call
from guardrails.detectors.flows import Settings
from guardrails.types import Piece, Role
from tests.detectors.case import Case

CASES = [
    Case(
        "a call beside a text",
        Settings("out", ("http.*",), after=("read",)),
        "http.get",
        kind="near-miss",
        context=(Piece("", Role.ASSISTANT, call=Call("http.get")),),
    ),
]
