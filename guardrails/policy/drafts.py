"""A rule while its file is being read and its parents are merged: only what was written, each with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from guardrails.rules import Limits, Mask, Position, Rule
from guardrails.types import OnFailure, RuleAction

__all__ = ["Document", "Draft", "Value", "finish"]


class Value(NamedTuple):
    """A setting and where it was written."""

    value: Any
    at: Position


@dataclass
class Draft:
    """A rule's written fields: ``action``, ``input_action``, ``output_action``, ``enabled``, ``input_enabled``,
    ``output_enabled``, ``on_failure``, ``required``, ``exceptions``, ``mask``, ``input_message``, ``output_message``, and its
    detector's settings."""

    id: str
    detector: str
    type: str
    at: Position
    key: str
    fields: dict[str, Value] = field(default_factory=dict)
    enforced: Position | None = None

    def get(self, name: str, default: Any = None) -> Any:
        """A field's value, or the default."""
        found = self.fields.get(name)
        return default if found is None else found.value

    def place(self, *names: str) -> Position:
        """Where the first of these fields was written, else where the rule was."""
        return next((self.fields[n].at for n in names if n in self.fields), self.at)

    def action(self, direction: str) -> RuleAction | None:
        """The effective action in a direction (``input``, ``output``), None when disabled."""
        if self.detector == "grounding" and direction == "input":
            return None
        if self.detector == "content" and self.get(f"{direction}_strength") == "NONE":
            return None
        if not self.get(f"{direction}_enabled", self.get("enabled", True)):
            return None
        action: RuleAction = self.get(f"{direction}_action", self.get("action", RuleAction.BLOCK))
        return action


@dataclass
class Document:
    """Everything one file says, or several after merging."""

    name: Value | None = None
    description: Value | None = None
    metadata: dict[str, Value] = field(default_factory=dict)
    messages: dict[str, Value] = field(default_factory=dict)
    limits: dict[str, Value] = field(default_factory=dict)
    on_failure: Value | None = None
    unsupported_language: Value | None = None
    uninspected: Value | None = None
    conversation: dict[str, Value] = field(default_factory=dict)
    stream: Value | None = None
    bedrock: Value | None = None
    drafts: dict[str, Draft] = field(default_factory=dict)
    enforced: list[Value] = field(default_factory=list)
    extends: list[Value] = field(default_factory=list)
    countries: Value | None = None
    pii_all: Draft | None = None


DEFAULT_LIMITS = Limits()


def finish(draft: Draft, on_failure: OnFailure) -> Rule:
    """The rule of a draft, defaults filled in."""
    return Rule(
        id=draft.id,
        detector=draft.detector,
        type=draft.type,
        settings=_settings(draft),
        input=draft.action("input"),
        output=draft.action("output"),
        on_failure=draft.get("on_failure", on_failure),
        required=draft.get("required", False),
        enforced=draft.enforced is not None,
        exceptions=tuple(v.value for v in draft.get("exceptions", ())),
        mask=draft.get("mask", Mask()),
        input_message=draft.get("input_message"),
        output_message=draft.get("output_message"),
    )


def _settings(draft: Draft) -> Any:
    # Imported here: a policy that only counts words never loads the PII catalogue, and the other way round.
    if draft.detector == "words":
        from guardrails.detectors import words  # noqa: PLC0415

        return words.Settings(
            terms=tuple(sorted({v.value for v in draft.get("terms", ())})),
            lists=tuple(sorted((v.value for v in draft.get("lists", ())), key=lambda t: (t.path, t.sha256))),
            managed=tuple(sorted({v.value for v in draft.get("managed", ())})),
        )
    if draft.detector == "regex":
        from guardrails.detectors import regex  # noqa: PLC0415

        return regex.Settings(name=draft.type, pattern=draft.get("pattern"))
    if draft.detector == "pii":
        from guardrails.detectors import pii  # noqa: PLC0415

        return pii.Settings(entity=draft.type, min_score=draft.get("min_score", pii.Settings(draft.type).min_score))
    if draft.detector == "content":
        from guardrails.detectors import content  # noqa: PLC0415

        return content.Settings(
            category=draft.type,
            input_strength=draft.get("input_strength", "HIGH"),
            output_strength=draft.get("output_strength", "HIGH"),
        )
    if draft.detector == "topics":
        from guardrails.detectors import topics  # noqa: PLC0415

        return topics.Settings(
            name=draft.type,
            definition=draft.get("definition"),
            examples=tuple(v.value for v in draft.get("examples", ())),
            not_examples=tuple(v.value for v in draft.get("not_examples", ())),
            threshold=draft.get("threshold"),
        )
    if draft.detector == "grounding":
        from guardrails.detectors import grounding  # noqa: PLC0415

        sources = draft.get("sources", grounding.SOURCES) if draft.type == "GROUNDING" else ()
        return grounding.Settings(kind=draft.type, threshold=draft.get("threshold"), sources=sources)
    return draft.get("settings")
