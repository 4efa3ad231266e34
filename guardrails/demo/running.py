"""The demo as one application: the canned upstream, the middleware with two tenants in front of it, and what to try."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guardrails.asgi import GuardrailsMiddleware
from guardrails.asgi.telemetry import Telemetry
from guardrails.demo.upstream import upstream
from guardrails.proxy import ProxyApp
from guardrails.proxy.operations import Operations

__all__ = ["KEYS", "TENANTS", "TRIES", "Try", "curl", "demo_app", "what_to_try"]

TENANTS = Path(__file__).parent / "tenants"
# The demo's keys are no secret; tenants.yaml holds their hashes.
KEYS = {"bank": "demo-bank-0123456789-abcdefghijklmn", "tutor": "demo-tutor-0123456789-abcdefghijklm"}


@dataclass(frozen=True, slots=True)
class Try:
    """One thing to try: ``body`` is sent to ``path`` with the key of ``tenant``."""

    what: str
    tenant: str
    message: str
    stream: bool = False
    path: str = "/v1/chat/completions"

    def body(self) -> dict[str, Any]:
        """The request, as its API wants it."""
        out: dict[str, Any] = {"model": "demo", "messages": [{"role": "user", "content": self.message}]}
        if self.path == "/v1/messages":
            out["max_tokens"] = 100
        return {**out, "stream": True} if self.stream else out


TRIES = (
    Try("An ordinary question passes.", "bank", "What are your hours?"),
    Try(
        "What the model receives: the card number is masked.",
        "bank",
        "echo my card is 4111 1111 1111 1111",
    ),
    Try("A secret is blocked, and the model never sees it.", "bank", "My PIN is 4821."),
    Try("The bank's answers hold no personal data.", "bank", "Who is my manager?"),
    Try("The same question under the tutor's policy.", "tutor", "Who is my manager?"),
    Try(
        "In a stream, too, not a character of a promise is sent.",
        "bank",
        "slow what return do your funds give?",
        stream=True,
    ),
    Try("The same in Anthropic's API.", "bank", "Who is my manager?", path="/v1/messages"),
)


def demo_app() -> ProxyApp:
    """The demo as an ASGI application. Raises GuardrailsError when its policies cannot be loaded."""
    telemetry = Telemetry()
    guarded = GuardrailsMiddleware(upstream(), TENANTS, telemetry=telemetry)
    return ProxyApp(guarded, Operations(telemetry, guarded.tenants.health))


def curl(one: Try, base: str) -> str:
    """The command that tries it."""
    data = shlex.quote(json.dumps(one.body(), ensure_ascii=False))
    lines = [
        f"curl -s{'N' if one.stream else ''} {base}{one.path} -H 'content-type: application/json' \\",
        f"  -H 'authorization: Bearer {KEYS[one.tenant]}' -d {data}",
    ]
    return "\n".join(lines)


def what_to_try(base: str) -> str:
    """What the command prints when the demo is up."""
    out = [
        f"The demo listens on {base}: canned answers, no model behind it, two tenants in front.",
        f"Policies: {TENANTS}",
        "",
    ]
    for one in TRIES:
        out += [f"# {one.what}", curl(one, base), ""]
    out += [
        "# What was decided, and how long it took.",
        f"curl -s {base}/metrics | grep '^guardrails_decisions_total'",
        "",
    ]
    return "\n".join(out)
