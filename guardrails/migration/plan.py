"""The policy that an import makes, rule by rule; what two parts of a source say about one rule is put together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guardrails import catalog, detectors
from guardrails.bedrock.names import escaped
from guardrails.migration.report import Place

__all__ = ["BOTH", "INPUT", "OUTPUT", "Plan", "named", "strength_of", "term"]

INPUT, OUTPUT = ("input",), ("output",)
BOTH = ("input", "output")
_ACTIONS = ("detect", "mask", "block")
_ID = re.compile(r"[^A-Za-z0-9_.-]+")
_OFF = {"enabled": False}


def strength_of(threshold: float | None) -> str:
    """A content filter's strength for another model's threshold (0 to 1): the surer that one had to be, the milder ours."""
    if threshold is None or threshold < 0.75:
        return "HIGH"
    return "MEDIUM" if threshold < 0.97 else "LOW"


def named(text: str, most: int = 60) -> str:
    """A name that an id may hold."""
    return _ID.sub("-", text).strip("-.")[:most] or "rule"


@dataclass
class _Rule:
    """A rule on its way: what it does in each direction, its strengths, and its other settings."""

    actions: dict[str, str] = field(default_factory=dict)
    strengths: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def add(self, sides: Iterable[str], action: str, strength: str | None, settings: Mapping[str, Any]) -> None:
        for side in sides:
            self.actions[side] = max(self.actions.get(side, "detect"), action, key=_ACTIONS.index)
            if strength is not None:
                order = catalog.STRENGTHS.index
                self.strengths[side] = max(self.strengths.get(side, "NONE"), strength, key=order)
        for name, value in settings.items():
            old = self.settings.get(name)
            if isinstance(value, list) and isinstance(old, list):
                old += [one for one in value if one not in old]
            elif old is None:
                self.settings[name] = list(value) if isinstance(value, list) else value

    def document(self, *, bare: bool = False, spelled: bool = False) -> Any:
        """As a policy file says it; ``bare``: an action alone may be one word; ``spelled``: both directions, and that they are on."""
        if self.strengths:
            sides = {side: self._filter(side) for side in BOTH}
            if sides["input"] == sides["output"] and isinstance(sides["input"], str) and not self.settings:
                return sides["input"]
            return {**self.settings, **sides}
        actions = {self.actions.get(side) for side in BOTH}
        if spelled:
            on = {side: {"action": action, "enabled": True} for side, action in self.actions.items()}
            return {**self.settings, **{side: on.get(side, _OFF) for side in BOTH}}
        if len(actions) == 1:
            (action,) = actions
            return action if bare and not self.settings else {**self.settings, "action": action}
        sides = {side: self.actions.get(side, _OFF) for side in BOTH}
        return {**self.settings, **sides}

    def _filter(self, side: str) -> Any:
        if side not in self.strengths:
            return "NONE"
        action = self.actions[side]
        return self.strengths[side] if action != "detect" else {"strength": self.strengths[side], "action": action}


class Plan:
    """Rules by section. ``add`` methods return the place of the rule in the policy."""

    def __init__(self, name: str, description: str) -> None:
        self._head: dict[str, Any] = {"version": 1, "name": name, "description": description}
        self._content: dict[str, _Rule] = {}
        self._topics: dict[str, _Rule] = {}
        self._words: dict[str, _Rule] = {}
        self._entities: dict[str, _Rule] = {}
        self._regexes: dict[str, _Rule] = {}
        self._checks: dict[str, _Rule] = {}
        self._calls: list[dict[str, Any]] = []
        self._default: str | None = None
        self._countries: list[str] = []

    def setting(self, name: str, value: Any) -> Place:
        """A setting of the whole policy, such as ``unsupported_language`` or ``limits.deadline_ms``."""
        first, _, second = name.partition(".")
        if second:
            self._head.setdefault(first, {})[second] = value
            return first, second
        self._head[first] = value
        return (first,)

    def country(self, code: str) -> Place | None:
        """One of the countries whose national identifiers count; None for one of which none is known."""
        if code not in catalog.COUNTRY_OF.values():
            return None
        self._countries += [code] if code not in self._countries else []
        return "pii", "countries"

    def filter(self, category: str, sides: Sequence[str], strength: str, action: str = "block") -> Place:
        """A content filter; it judges whole texts, so it masks nothing."""
        rule = self._content.setdefault(category, _Rule())
        rule.add(sides, "block" if action == "mask" else action, strength, {})
        return "content", category

    def entity(self, type_: str, sides: Sequence[str], action: str, **settings: Any) -> Place:
        """A type of sensitive information."""
        self._entities.setdefault(type_, _Rule()).add(sides, action, None, settings)
        return "pii", "entities", type_

    def topic(self, name: str, definition: str, sides: Sequence[str], **settings: Any) -> Place:
        """A denied topic, or with ``allow=True`` one of the only ones that are welcome."""
        key = (
            name
            if self._topics.get(name, _Rule()).settings.get("definition", definition) == definition
            else f"{name}-2"
        )
        self._topics.setdefault(key, _Rule()).add(
            sides, "block", None, {"name": key, "definition": definition, **settings}
        )
        return "topics", list(self._topics).index(key)

    def terms(self, id_: str, terms: Sequence[str], sides: Sequence[str], action: str, **settings: Any) -> Place:
        """Words and phrases in our syntax; see :func:`term`. Other words under a known id get an id of their own."""
        key, number = named(id_), 1
        while key in self._words and self._words[key].settings["terms"] != list(terms):
            number += 1
            key = f"{named(id_)}-{number}"
        self._words.setdefault(key, _Rule()).add(sides, action, None, {"terms": list(terms), "id": key, **settings})
        return "words", "terms", list(self._words).index(key)

    def regex(self, name: str, pattern: str, sides: Sequence[str], action: str, **settings: Any) -> Place | str:
        """A pattern; a text says why it cannot be used and what to write instead."""
        refusal = detectors.module("regex").check_pattern(pattern)
        if refusal is not None:
            return f"{refusal.reason}; {refusal.remedy}"
        key, number = named(name), 1
        while key in self._regexes and self._regexes[key].settings["pattern"] != pattern:
            number += 1
            key = f"{named(name)}-{number}"
        own = {"name": key, "pattern": pattern, **settings}
        self._regexes.setdefault(key, _Rule()).add(sides, action, None, own)
        return "pii", "regexes", list(self._regexes).index(key)

    def called(self, place: Place) -> str:
        """The id of the rule at a place that :meth:`regex` returned."""
        return f"regex.{list(self._regexes)[int(place[-1])]}"

    def compared(self, kind: str, threshold: float, action: str = "block") -> Place:
        """``grounding`` or ``relevance`` of answers."""
        rule = self._checks.setdefault(kind, _Rule())
        rule.add(BOTH, action, None, {"threshold": round(min(max(threshold, 0.01), 0.98), 4)})
        return (kind,)

    def default_call(self, verdict: str) -> Place:
        """Whether tools that no rule names may be called."""
        self._default = verdict
        return "tools", "default"

    def call(self, name: str, tools: list[str], **settings: Any) -> Place:
        """A rule about calls of tools."""
        taken = {"default", "lock", *(rule["name"] for rule in self._calls)}
        own = named(name)
        while own in taken:
            own += "-2"
        self._calls.append({"name": own, "tools": tools, **settings})
        return "tools", "calls", len(self._calls) - 1

    @property
    def rules(self) -> int:
        """How many rules there are."""
        own = (self._content, self._topics, self._words, self._entities, self._regexes, self._checks)
        return sum(map(len, own)) + len(self._calls)

    def document(self) -> dict[str, Any]:
        """The policy as plain data."""
        out = dict(self._head)
        if self._content:
            out["content"] = {k: r.document() for k, r in self._content.items()}
        if self._topics:
            out["topics"] = [r.document() for r in self._topics.values()]
        if self._words:
            out["words"] = {"terms": [r.document() for r in self._words.values()]}
        every = self._entities.get("ALL", _Rule()).actions
        for rule in self._entities.values():  # a type's own rule goes over what ALL says, setting by setting
            for side, action in every.items():
                rule.add((side,), action, None, {})
        pii: dict[str, Any] = {"countries": self._countries} if self._countries and self._entities else {}
        if self._entities:
            spelled = {k: bool(every) and k != "ALL" for k in self._entities}
            pii["entities"] = {k: r.document(bare=True, spelled=spelled[k]) for k, r in self._entities.items()}
        if self._regexes:
            pii["regexes"] = [r.document() for r in self._regexes.values()]
        if pii:
            out["pii"] = pii
        out |= {k: r.document() for k, r in self._checks.items()}
        tools: dict[str, Any] = {"default": self._default} if self._default else {}
        if self._calls:
            tools["calls"] = self._calls
        if tools:
            out["tools"] = tools
        return out


def term(text: str, *, inside: bool = False) -> str:
    """A word in our syntax, where a star at an end means something; ``inside``: also as a part of other words."""
    word = escaped(text.strip())
    return f"*{word}*" if inside else word
