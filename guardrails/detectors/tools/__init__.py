"""The tool policy: which tools may be called, with which arguments, and how often.

A rule names tools, and every rule that names a call's tool holds for it, so that their order means nothing. What forbids or constrains
matches a name in any spelling; what permits matches it exactly.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from guardrails.calls import Call
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.settings import (
    TYPE,
    Choice,
    Flag,
    Items,
    Named,
    Number,
    Order,
    Plain,
    Record,
    Remark,
    Section,
    Setting,
    Shape,
    Text,
)
from guardrails.detectors.toolnames import exactly, loosely
from guardrails.detectors.tools.constraints import (
    Constraint,
    Constraints,
    compact,
    constraint,
    pattern_refused,
    schema_refused,
)
from guardrails.detectors.traits import DetectorSpec
from guardrails.rules import Rule
from guardrails.stores import Memory, Unreachable, shared, window
from guardrails.types import Failure, FailureKind, Found, Hit

__all__ = ["DENIED", "RATE", "SECTIONS", "SPEC", "UNLISTED", "Settings", "build", "lint"]

# What findings are called, beside those of constraints (``ARGUMENT:NAME``, ``ARGUMENTS``, ``SCHEMA``).
DENIED = "DENIED"
UNLISTED = "UNLISTED"
RATE = "RATE"

_log = logging.getLogger("guardrails")

_MINUTE = 60.0
_LOST = "Bedrock judges texts: it knows no calls of tools"
_PATTERN = Text(at_most=2_000, refused=pattern_refused, code="regex-refused", message="this pattern cannot be used")
_CONSTRAINT = Record(
    {
        "matches": _PATTERN,
        "hosts": Items(Text(at_most=300), at_least=1),
        "roots": Items(Text(at_most=4_000), at_least=1),
        "at_most": Number(0, 1e15),
    },
    make=constraint,
)


def _waits() -> bool:
    """Whether counting calls means asking a server."""
    store = shared()
    return store is not None and store.waits


def _written(arguments: tuple[tuple[str, Constraint], ...]) -> dict[str, object]:
    return {name: one.written() for name, one in arguments}


@dataclass(frozen=True, slots=True)
class Settings:
    """Which tools a rule is about (without ``tools``, the one that it is named after), and what it says of them.

    ``allow``: True permits them where the default is to deny, False forbids them, None does neither. ``arguments`` and ``schema``
    constrain what they may be called with, ``rate`` how often. ``ask``: somebody may confirm a call that the rule would stop.
    ``verdict`` is the default for tools that no rule permits.
    """

    name: Annotated[str, TYPE]
    tools: Annotated[
        tuple[str, ...],
        Setting(
            about="names of tools, with * and ?; without it, the rule's name is the tool's",
            kind=Items(Text(at_most=300), at_least=1),
            order=Order.GROWS,
            unless="allow",
            lost=_LOST,
        ),
    ] = ()
    server: Annotated[
        str | None,
        Setting(about="the server the tools belong to, with * and ?", kind=Text(at_most=300), lost=_LOST),
    ] = None
    allow: Annotated[
        bool | None,
        Setting(
            about="true permits the tools where the default is deny, false forbids them; without it, neither",
            kind=Flag(),
            lost=_LOST,
        ),
    ] = None
    arguments: Annotated[
        tuple[tuple[str, Constraint], ...],
        Setting(
            about="what single arguments must keep to: matches, hosts, roots, at_most",
            kind=Named(_CONSTRAINT),
            lost=_LOST,
            shown=_written,
            written=_written,
        ),
    ] = ()
    schema: Annotated[
        str | None,
        Setting(
            about="a JSON Schema (2020-12) for all arguments",
            kind=Plain(
                make=compact, refused=schema_refused, code="schema-refused", message="this schema cannot be used"
            ),
            lost=_LOST,
        ),
    ] = None
    rate: Annotated[
        int | None,
        Setting(about="calls a minute", kind=Number(1, 100_000, whole=True), order=Order.FALLS, lost=_LOST),
    ] = None
    ask: Annotated[
        bool,
        Setting(about="somebody may confirm what the rule stops", kind=Flag(), order=Order.FALLS, lost=_LOST),
    ] = False
    verdict: Annotated[
        str,
        Setting(
            about="allow or deny tools that no rule permits",
            kind=Choice(("allow", "deny")),
            order=Order.RISES,
            lost=_LOST,
        ),
    ] = "allow"

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names of tools that the rule is about."""
        return self.tools or (self.name,)


SECTIONS = (
    Section(
        key="tools.calls",
        id="tools.{name}",
        settings=("tools", "server", "allow", "arguments", "schema", "rate", "ask"),
        directions=("output",),
        lost=_LOST,
    ),
    Section(
        key="tools.default",
        shape=Shape.ONE,
        bare="verdict",
        settings=("verdict", "ask"),
        directions=("output",),
        closes=("verdict", "deny"),
        lost=_LOST,
    ),
)

SPEC = DetectorSpec(
    spans=False,
    calls=True,
    asks=lambda settings: settings.ask,
    blocking=lambda settings: settings.rate is not None and _waits(),
    local=lambda _: True,
    remedy="permit the tool or its arguments in {rule}, or change its action",
)


def lint(rules: Sequence[Rule]) -> Iterator[Remark]:
    """Rules that say nothing, and permissions that mean nothing."""
    denies = any(r.settings.verdict == "deny" for r in rules)
    for rule in rules:
        said = rule.settings
        if rule.type == "TOOLS.DEFAULT":
            continue
        silent = said.allow is None and said.rate is None and said.schema is None and not said.arguments
        if silent:
            yield Remark(
                "idle-rule", f"{rule.id} neither permits, forbids nor constrains anything", rule.id,
                remedy="add allow: true or false, arguments, schema or rate",
            )  # fmt: skip
        elif said.allow and not denies and not said.arguments and said.rate is None and said.schema is None:
            yield Remark(
                "idle-rule", f"{rule.id} permits what is permitted already", rule.id, "allow", "true",
                remedy="write default: deny, so that only what is permitted may be called",
            )  # fmt: skip


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for all rules of a policy about calls."""
    return _Tools(rules)


class _Tools:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._constraints = {r.id: Constraints(r.settings.arguments, r.settings.schema) for r in self._rules}
        # Rules that say the same count together, in whichever process they are.
        said = hashlib.sha256(repr([(r.id, r.type, r.settings) for r in self._rules]).encode()).hexdigest()[:32]
        self._rates = {
            r.id: window(f"calls of tools:{said}:{r.id}", r.settings.rate, _MINUTE)
            for r in self._rules
            if r.settings.rate is not None
        }
        self._store = shared() or Memory()

    def find(self, content: Content, deadline: Deadline) -> Found:
        """What each call breaks. The hits have no place: they are about the call as a whole."""
        found = Found()
        for index, piece in enumerate(content.pieces):
            deadline.check()
            if piece.call is not None and not content.masked:
                found.hits += [Hit(rule.id, what, None, None, piece=index) for rule, what in self._broken(piece.call)]
                self._count(piece.call, index, found)
        return found

    def _count(self, call: Call, index: int, found: Found) -> None:
        """Count a call for the rules that say how often. Where nobody can count, those have failed."""
        for rule in self._rules:
            if rule.id not in self._rates or not loosely(rule.settings.patterns, rule.settings.server, call):
                continue
            try:
                refused = self._store.take((self._rates[rule.id],))
            except Unreachable as error:
                _log.warning("rule %s: %s", rule.id, error)
                found.failures.append(Failure(rule.id, FailureKind.OVERLOAD, index, type(error).__name__))
                continue
            if refused is not None:
                found.hits.append(Hit(rule.id, RATE, None, None, piece=index))

    def _broken(self, call: Call) -> Iterator[tuple[Rule, str]]:
        permitted = any(r.settings.allow and exactly(r.settings.patterns, r.settings.server, call) for r in self._rules)
        for rule in self._rules:
            said = rule.settings
            if said.verdict == "deny":
                if not permitted:
                    yield rule, UNLISTED
            elif rule.type != "TOOLS.DEFAULT" and loosely(said.patterns, said.server, call):
                if said.allow is False:
                    yield rule, DENIED
                for broken in self._constraints[rule.id].broken(call):
                    yield rule, broken
