"""Guards that only detect, for contracts that ask for scores and places and bring no policy."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from guardrails.guard import Guard
from guardrails.policy import loads
from guardrails.service.catalog import DRAFT, Guardrail

__all__ = ["probe"]


def probe(
    content: Iterable[str] = (), entities: Iterable[str] = (), regexes: Iterable[tuple[str, str]] = ()
) -> Guardrail:
    """A guardrail that reports these content filters (at strength HIGH), PII types, and regexes (a name and a pattern). Nothing is
    trusted: who asks for a system message to be judged means it. Raises PolicyError for a pattern that cannot be used."""
    return _made(frozenset(content), frozenset(entities), tuple(regexes))


@lru_cache(maxsize=64)
def _made(content: frozenset[str], entities: frozenset[str], regexes: tuple[tuple[str, str], ...]) -> Guardrail:
    policy: dict[str, Any] = {"version": 1, "name": "probe", "system_messages": "judge"}
    if content:
        policy["content"] = {name: {"strength": "HIGH", "action": "detect"} for name in sorted(content)}
    pii: dict[str, Any] = {}
    if entities:
        pii["entities"] = dict.fromkeys(sorted(entities), "detect")
    if regexes:
        pii["regexes"] = [
            {"id": f"regex.{number}", "name": name, "pattern": pattern, "action": "detect"}
            for number, (name, pattern) in enumerate(regexes)
        ]
    if pii:
        policy["pii"] = pii
    guard = Guard(loads(json.dumps(policy), name="probe.json"))
    return Guardrail("probe", DRAFT, guard, guard.policy.identity.sha256)
