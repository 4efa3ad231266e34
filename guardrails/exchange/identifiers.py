"""Ids and enums of an exchange: string rules read them (:mod:`guardrails.ids`), and what acts is blocked or masked.

An id may be masked where nothing but itself depends on its spelling: the same value becomes the same mask wherever it
stands, so calls and their results stay pairs. Everything else (a model's name, a reason, a segment of the path) would mean
something else under a mask, or nothing, and blocks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.cache import Outcome, Verdicts
from guardrails.content import Deadline
from guardrails.decision import Located
from guardrails.guard import Guard
from guardrails.ids import id_rules
from guardrails.types import Action, Failure, Finding, Role, Source
from guardrails.wire.enums import is_enum
from guardrails.wire.format import Session
from guardrails.wire.shape import Kind
from guardrails.wire.slots import Slot

__all__ = ["Judged", "judged", "outside", "scrubbed"]

# Parameters by which clients identify themselves: a secret belongs there.
_CREDENTIALS = frozenset(
    ("key", "api_key", "api-key", "apikey", "access_token", "token", "subscription-key", "code", "sig")
)


@dataclass(slots=True)
class Judged:
    """What became of some ids. ``masks``: what to write instead; ``bad``: values that may not be said again, and what is said
    in their place."""

    located: list[Located] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    masks: list[tuple[Slot, str]] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    blocked: bool = False
    blocking: list[str] = field(default_factory=list)  # the rules that block


def judged(  # noqa: PLR0917 - what a judgement depends on
    guard: Guard,
    source: Source,
    slots: Iterable[Slot],
    verdicts: Verdicts,
    secret: bytes,
    deadline: Deadline,
    *,
    passed: Container[str] = (),
    may_block: Container[int] | None = None,
) -> Judged:
    """``passed``: values that need no look. ``may_block``: the messages that may block the turn, None: all."""
    out = Judged()
    rules = id_rules(guard, source)
    if not rules.active:
        return out
    basis = guard.policy.identity.sha256 + "ids"
    known: dict[tuple[str, bool], Outcome] = {}
    for slot in slots:
        text, credential = slot.text, slot.kind is Kind.SEAL
        if text in passed:
            continue
        outcome = known.get((text, credential))
        if outcome is None:
            key = Verdicts.key(secret, basis + "!" * credential, source, slot.role, text)
            outcome = verdicts.get(key)
            if outcome is None:
                verdict = rules.judge(text, slot.role, deadline, secrets=not credential)
                outcome = Outcome(verdict.action, verdict.findings)
                if verdict.failures:
                    out.failures += [f for f in verdict.failures if f not in out.failures]
                else:
                    verdicts.put(key, outcome)
            known[text, credential] = outcome
        out.located += [Located(slot.path, f) for f in outcome.findings]
        acting = [f for f in outcome.findings if f.action is not Action.NONE]
        if not acting:
            out.passed.add(text)
            continue
        blocks = any(f.action is Action.BLOCKED for f in acting)
        if slot.fixed or (blocks and (slot.turn is None or may_block is None or slot.turn in may_block)):
            out.blocked = True
            out.blocking += [f.rule for f in acting if f.action is Action.BLOCKED]
            out.bad[text] = "guardrails"
        else:
            out.bad[text] = masked = _masked(text, acting, secret)
            out.masks.append((slot, masked))
    return out


def outside(form: Session) -> list[Slot]:
    """The ids of a request that stand outside its body, and the texts of its path that are none."""
    out = [Slot(text, Role.USER, "(path)", kind=Kind.OPAQUE, fixed=True) for text in form.request.names]
    for name, value in form.request.query.items():
        for text in (name, value):
            if text and not is_enum(text):
                credential = text is value and name.lower() in _CREDENTIALS
                kind = Kind.SEAL if credential else Kind.OPAQUE
                out.append(Slot(text, Role.USER, "(query)", kind=kind, fixed=True))
    return out


def scrubbed(value: Any, bad: Mapping[str, str]) -> Any:
    """A body of ours without the ids that it took over from the answer and that may not be said."""
    if not bad:
        return value
    if isinstance(value, str):
        return bad.get(value, value)
    if isinstance(value, dict):
        return {key: scrubbed(inner, bad) for key, inner in value.items()}
    if isinstance(value, list):
        return [scrubbed(inner, bad) for inner in value]
    return value


def _masked(text: str, findings: Iterable[Finding], secret: bytes) -> str:
    """``text`` with each span as ``masked-`` and a keyed hash of what stood there: letters and digits that any id may have."""
    out, at = [], 0
    for first, end in sorted((f.start or 0, f.end or 0) for f in findings):
        start = max(first, at)
        if end <= start:
            continue
        digest = hashlib.blake2b(text[start:end].encode(), key=secret[:64], digest_size=5).hexdigest()
        out += [text[at:start], "masked-", digest]
        at = end
    return "".join([*out, text[at:]])
