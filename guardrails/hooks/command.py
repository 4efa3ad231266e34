"""The command that an agent runs for every event: the event on standard input, the answer on standard output.

Whatever goes wrong, it stops the agent with exit code 2 and says why on standard error. It is started anew for every event, so it
loads what it needs and nothing else; with ``--server`` that is next to nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from guardrails.hooks.agents import AGENTS, Agent, agent
from guardrails.hooks.events import BLOCKS, Event, Malformed, Permission, Reply, Verdict, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["KEY", "main", "respond"]

# The variable that holds the key for a service.
KEY = "GUARDRAILS_KEY"
_BYTES = 16_000_000


def main(argv: Sequence[str]) -> int:
    """``guardrails hook``: read an event, write the answer, and return the exit code; 2 for wrong arguments too."""
    parser = argparse.ArgumentParser("guardrails hook", description="Answer one event of a coding agent.")
    parser.add_argument("agent", choices=list(AGENTS))
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("-p", "--policy", help="a policy file, or a shipped policy's name")
    where.add_argument("--server", help="the address of a `guardrails serve` that decides")
    parser.add_argument("--guardrail", help="which of the server's guardrails; without it, the key's own")
    given = parser.parse_args(argv)
    reply = respond(
        agent(given.agent), sys.stdin.buffer.read(_BYTES + 1), given.policy, given.server, given.guardrail or ""
    )
    if reply.body is not None:
        sys.stdout.write(json.dumps(reply.body) + "\n")
    if reply.error:
        sys.stderr.write(reply.error + "\n")
    return reply.code


def respond(asked: Agent, data: bytes, policy: str | None, server: str | None = None, guardrail: str = "") -> Reply:
    """The answer to one event under a policy, or from a server. Never raises: what cannot be decided is refused."""
    event = None
    try:
        event = asked.read(parse(data, _BYTES))
        if server is not None:
            from guardrails.hooks.relay import relayed  # noqa: PLC0415

            return relayed(asked.name, server, data, guardrail, os.environ.get(KEY, ""))
        return asked.answer(event, _judged(event, policy or ""))
    except Malformed as error:
        return _refused(asked, event, str(error))
    except Exception as error:
        return _refused(asked, event, _explained(error))


def _judged(event: Event, policy: str) -> Verdict:
    from guardrails.guard import Guard  # noqa: PLC0415 - not before the event is known to need it
    from guardrails.hooks.judging import judge  # noqa: PLC0415

    return judge(event, Guard.from_file(policy))


def _refused(asked: Agent, event: Event | None, why: str) -> Reply:
    told = f"guardrails: {why}"
    if event is None:
        return asked.refuse(told)
    reply = asked.answer(event, Verdict(Permission.DENY, told))
    return reply if reply.body or reply.code else Reply(None, BLOCKS, told)


def _explained(error: Exception) -> str:
    """Our own errors say what is wrong and how to mend it; the message of any other may quote the event."""
    from guardrails.errors import GuardrailsError  # noqa: PLC0415

    if isinstance(error, GuardrailsError):
        return str(error)
    return f"the event could not be checked ({type(error).__name__})"
