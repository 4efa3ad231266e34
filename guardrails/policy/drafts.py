"""A rule while its file is being read and its parents are merged: only what was written, each with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from guardrails import detectors
from guardrails.detectors.settings import RULES, TYPE, Section, settings_of, typed
from guardrails.rules import Mask, Position, Rule
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
    section: Section = RULES
    fields: dict[str, Value] = field(default_factory=dict)
    enforced: Position | None = None

    def get(self, name: str, default: Any = None) -> Any:
        """A field's value, or the default; the items of a list without their places."""
        found = self.fields.get(name)
        if found is None:
            return default
        value = found.value
        return tuple(v.value for v in value) if isinstance(value, tuple) else value

    def items(self, name: str) -> tuple[Value, ...]:
        """The items of a list, each with its place."""
        found = self.fields.get(name)
        return () if found is None else found.value

    def place(self, *names: str) -> Position:
        """Where the first of these fields was written, else where the rule was."""
        return next((self.fields[n].at for n in names if n in self.fields), self.at)

    def action(self, direction: str) -> RuleAction | None:
        """The effective action in a direction (``input``, ``output``), None when disabled."""
        if direction not in self.section.directions:
            return None
        if self.section.off is not None and self.get(f"{direction}_{self.section.off[0]}") == self.section.off[1]:
            return None
        if not self.get(f"{direction}_enabled", self.get("enabled", True)):
            return None
        action: RuleAction = self.get(f"{direction}_action", self.get("action", RuleAction.BLOCK))
        return action


@dataclass
class Document:
    """Everything one file says, or several after merging."""

    # Dotted keys: ``name``, ``bedrock``, ``metadata.owner`` and those of ``fieldtable.POLICY``.
    settings: dict[str, Value] = field(default_factory=dict)
    drafts: dict[str, Draft] = field(default_factory=dict)
    enforced: list[Value] = field(default_factory=list)
    extends: list[Value] = field(default_factory=list)
    countries: Value | None = None
    pii_all: Draft | None = None


def finish(draft: Draft, on_failure: OnFailure, *, judges_system: bool = False) -> Rule:
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
        exceptions=draft.get("exceptions", ()),
        mask=draft.get("mask", Mask()),
        input_message=draft.get("input_message"),
        output_message=draft.get("output_message"),
        judges_system=judges_system,
    )


def _settings(draft: Draft) -> Any:
    if draft.section is RULES:
        return draft.get("settings")
    # Imported here: a policy that only counts words never loads the PII catalogue, and the other way round.
    kind = detectors.module(draft.detector).Settings
    values: dict[str, Any] = {
        name: draft.type for name, hint in typed(kind).items() if TYPE in getattr(hint, "__metadata__", ())
    }
    for name, setting in settings_of(draft.detector).items():
        value = draft.get(name, draft.section.defaults.get(name))
        if value is not None:
            values[name] = setting.canonical(value) if isinstance(value, tuple) else value
    return kind(**values)
