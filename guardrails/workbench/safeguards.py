"""The safeguards of a policy as a form: what each rule does, where that is written, and the YAML that a change of it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from guardrails import catalog
from guardrails.detectors.settings import Choice, Number, Shape, section_of, settings_of
from guardrails.errors import GuardrailsError
from guardrails.policy import editing
from guardrails.rules import Policy, Rule
from guardrails.types import RuleAction
from guardrails.workbench.workspace import as_written

__all__ = ["Field", "Group", "Safeguard", "changed", "groups", "types_left"]

ACTIONS = tuple(action.value for action in RuleAction)


@dataclass(frozen=True, slots=True)
class Field:
    """A setting with a choice of ``names``, or a number from ``low`` to ``high``."""

    name: str
    label: str
    value: Any
    names: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class Safeguard:
    """A rule. ``file`` and ``line`` say where it is written; ``held``: a parent enforces it, so it can only become stricter."""

    rule: str
    name: str
    file: str
    line: int
    own: bool
    held: bool
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The safeguards of one section of the policy file."""

    key: str
    safeguards: tuple[Safeguard, ...]


def groups(policy: Policy, own: str) -> tuple[Group, ...]:
    """The safeguards by section, in the policy's order. ``own`` is the file that is edited, as positions name it."""
    found: dict[str, list[Safeguard]] = {}
    for rule in policy.rules:
        section = section_of(rule.detector, rule.type)
        at = policy.positions.get(rule.id)
        held = policy.positions.get(f"{rule.id}.enforced")
        found.setdefault(section.key, []).append(
            Safeguard(
                rule.id, rule.type, at.file if at else "", at.line if at else 0, bool(at and at.file == own),
                rule.enforced and (held is None or held.file != own), _fields(rule),
            )
        )  # fmt: skip
    return tuple(Group(key, tuple(rules)) for key, rules in found.items())


def _fields(rule: Rule) -> tuple[Field, ...]:
    """What the form offers of a rule: numbers and choices of its detector, else its action, where both directions have the same."""
    section = section_of(rule.detector, rule.type)
    out = []
    if section.shape is not Shape.WORDS:
        for name, setting in settings_of(rule.detector).items():
            taken = section.settings is None or setting.name(name) in section.settings
            value = getattr(rule.settings, name)
            if isinstance(setting.kind, Choice) and taken:
                out.append(Field(name, name.replace("_", " "), value, setting.kind.names))
            elif isinstance(setting.kind, Number) and taken and value is not None:
                out.append(Field(name, name.replace("_", " "), value, (), setting.kind.low, setting.kind.high))
        if rule.input is rule.output and rule.input is not None and section.off is None:
            out.insert(0, Field("action", "action", rule.input.value, ACTIONS))
    return tuple(out)


def types_left(policy: Policy) -> tuple[str, ...]:
    """Types of sensitive information that no rule looks for yet."""
    known = {rule.id for rule in policy.rules}
    return tuple(name for name in sorted(catalog.PII) if f"pii.{name}" not in known)


def changed(path: Path, text: str, change: Mapping[str, str]) -> str:
    """The text with a change of the form made: ``rule``, ``field`` and ``value``; or ``add`` (entity, term, topic) and what it needs.

    Raises PolicyError for a text that does not load, GuardrailsError for a change that cannot be made.
    """
    if "add" in change:
        return editing.edit(text, lambda document: _add(document, change), name=path.name)
    policy = as_written(path, text)
    try:
        rule = policy.rule(change.get("rule", ""))
    except KeyError:
        raise GuardrailsError("there is no such rule any more") from None
    fields = {field.name: field for field in _fields(rule)}
    field, value = fields.get(change.get("field", "")), change.get("value", "")
    if field is None or (field.names and value not in field.names):
        raise GuardrailsError("there is no such setting")

    def write(document: CommentedMap) -> None:
        if field.name == "action":
            editing.set_common(document, rule, "action", value)
        else:
            editing.set_field(document, rule, field.name, value if field.names else _number(value))

    return editing.edit(text, write, name=path.name)


def _number(value: str) -> float | int:
    try:
        number = float(value)
    except ValueError:
        raise GuardrailsError("write a number") from None
    return int(number) if number.is_integer() else number


def _add(document: CommentedMap, change: Mapping[str, str]) -> None:
    what = change["add"]
    if what == "entity":
        if change.get("type") not in catalog.PII or change.get("action") not in ACTIONS:
            raise GuardrailsError("choose a type and an action")
        _below(_below(document, "pii"), "entities")[change["type"]] = change["action"]
    elif what == "term":
        words = _below(document, "words")
        words.setdefault("terms", CommentedSeq()).append(_needed(change, "term"))
    elif what == "topic":
        topic = CommentedMap(name=_needed(change, "name"), definition=_needed(change, "definition"))
        examples = [line.strip() for line in change.get("examples", "").splitlines() if line.strip()]
        if examples:
            topic["examples"] = CommentedSeq(examples)
        document.setdefault("topics", CommentedSeq()).append(topic)
    else:
        raise GuardrailsError("there is nothing of this kind to add")


def _needed(change: Mapping[str, str], key: str) -> str:
    value = change.get(key, "").strip()
    if not value:
        raise GuardrailsError(f"write a {key}")
    return value


def _below(document: CommentedMap, key: str) -> CommentedMap:
    if document.get(key) is None:
        document[key] = CommentedMap()
    found: CommentedMap = document[key]
    return found
