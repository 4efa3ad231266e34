"""What may no longer be called once private data was read: a conversation that has seen it may not carry it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated

from guardrails.calls import Call
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.settings import TYPE, Flag, Items, Order, Remark, Section, Setting, Text
from guardrails.detectors.toolnames import loosely
from guardrails.detectors.traits import DetectorSpec
from guardrails.rules import Rule
from guardrails.types import Found, Hit

__all__ = ["CLOSED", "SECTIONS", "SPEC", "Settings", "build", "lint"]

CLOSED = "CLOSED"  # what a finding is called
_LOST = "Bedrock judges texts: it knows no calls of tools"
_NAMES = Items(Text(at_most=300), at_least=1)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is closed, and after what. ``after``: tools that read private data. ``found``: rules (``pii.*``) that find it in results of
    tools and in documents. ``close``: tools that may not be called from then on."""

    name: Annotated[str, TYPE]
    close: Annotated[
        tuple[str, ...],
        Setting(about="tools that are closed", kind=_NAMES, order=Order.GROWS, example="[http.*]", lost=_LOST),
    ]
    after: Annotated[
        tuple[str, ...],
        Setting(about="tools that read private data", kind=_NAMES, order=Order.GROWS, lost=_LOST),
    ] = ()
    found: Annotated[
        tuple[str, ...],
        Setting(
            about="rules that find private data in results and documents", kind=_NAMES, order=Order.GROWS, lost=_LOST
        ),
    ] = ()
    ask: Annotated[
        bool,
        Setting(about="somebody may confirm what the rule stops", kind=Flag(), order=Order.FALLS, lost=_LOST),
    ] = False


SECTIONS = (Section(key="tools.flows", id="flows.{name}", directions=("output",), lost=_LOST),)

SPEC = DetectorSpec(
    spans=False,
    calls=True,
    asks=lambda settings: settings.ask,
    blocking=lambda _: False,
    local=lambda _: True,
    remedy="let a new conversation do what {rule} closes, or change its action",
)


def lint(rules: Sequence[Rule]) -> list[Remark]:
    """Rules that nothing sets off."""
    return [
        Remark("idle-rule", f"{r.id} says after what it closes nothing", r.id, remedy="add after or found")
        for r in rules
        if not r.settings.after and not r.settings.found
    ]


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for all flows of a policy."""
    return _Flows(rules)


class _Flows:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    def find(self, content: Content, deadline: Deadline) -> Found:
        """A hit for each rule that closes a called tool."""
        found = Found()
        for index, piece in enumerate(content.pieces):
            deadline.check()
            if piece.call is not None and not content.masked:
                found.hits += [
                    Hit(r.id, CLOSED, None, None, piece=index) for r in self._rules if _closes(r, piece.call)
                ]
        return found


def _closes(rule: Rule, call: Call) -> bool:
    said: Settings = rule.settings
    if not loosely(said.close, None, call):
        return False
    context = call.context
    made = [*context.calls, *(Call(s.tool, server=s.server) for s in context.segments if s.tool is not None)]
    read = any(loosely(said.after, None, one) for one in made)
    return read or any(fnmatchcase(rule_id, pattern) for rule_id in context.found for pattern in said.found)
