"""One message under a policy of words and patterns, as the HTTP and stdio transports check it."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guardrails import Guard
from guardrails.cache import Verdicts
from guardrails.decision import Decision
from guardrails.exchange import Catalogue, Messages, Tenancy
from guardrails.exchange.context import Context
from guardrails.exchange.message import Passed
from guardrails.exchange.tally import Tally
from guardrails.policy import loads
from guardrails.wire.mcp import MCP, Sender

__all__ = ["CLIENT", "MASKED", "POLICY", "SERVER", "WORD", "Checking", "answer", "request", "schemas", "strings"]

CLIENT, SERVER = Sender.CLIENT, Sender.SERVER
WORD, MASKED = "magnolia", "bob@example.com"
POLICY = """
version: 1
name: tools
messages: {blocked_input: The server's words were withheld., blocked_output: The call was refused.}
words: {terms: [{id: secret, terms: [magnolia], action: block}]}
pii: {entities: {EMAIL: mask}}
"""


class Checking:
    """A client and a server, and what is between them."""

    def __init__(self, policy: str = POLICY, allowed: frozenset[str] = frozenset(), **more: Any) -> None:
        self.catalogue = more.pop("catalogue", None) or Catalogue()
        self.messages = Messages(self.catalogue, place="/mcp", allowed=allowed, **more)
        self.tenancy = Tenancy("default", Guard(loads(policy)), b"secret")
        self.verdicts = Verdicts()
        self.decision: Decision | None = None

    def __call__(self, message: Any, sender: Sender) -> Passed:
        message = copy.deepcopy(message)
        context = Context(self.tenancy, MCP.open(message), verdicts=self.verdicts)
        context.clock.begin()
        tally = Tally()
        passed = self.messages.check(context, message, sender, tally)
        self.decision = context.record(sender.source, tally)
        return passed

    def asked(self, method: str, **params: Any) -> None:
        """A client asks for something that passes; the next answer with id 1 is for it."""
        assert not self(request(method, **params), CLIENT).blocked


def request(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def answer(**result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": result}


def strings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every string of a JSON value, keys not counted, and where it is."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from strings(one, (*path, key))
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from strings(one, (*path, i))


def schemas() -> Path | None:
    """The folder of the specification's schemas and examples, where there is one (``GUARDRAILS_MCP_SCHEMAS``)."""
    named = os.environ.get("GUARDRAILS_MCP_SCHEMAS")
    for folder in (named, Path(__file__).resolve().parents[3] / "shared/mcp/schema"):
        if folder and Path(folder).is_dir():
            return Path(folder)
    return None
