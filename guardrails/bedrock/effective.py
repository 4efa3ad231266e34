"""A policy with inheritance worked out, as a document that stands alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from guardrails.detectors.settings import RULES, Section, Shape, default_of, section_of, settings_of
from guardrails.policy.explaining import mask_value
from guardrails.policy.fieldtable import DEFAULT, POLICY, value_of
from guardrails.policy.wordlists import slug
from guardrails.rules import Mask, Policy, Rule

__all__ = ["effective"]


def effective(policy: Policy) -> dict[str, Any]:
    """A document that says what the policy does, without parents."""
    document: dict[str, Any] = {"version": 1, "name": policy.name}
    if policy.metadata:
        document["metadata"] = dict(policy.metadata)
    for key, setting in POLICY.items():
        value = value_of(policy, key)
        if value != DEFAULT[key] or key.startswith("messages."):
            _inside(document, key)[key.rpartition(".")[2]] = setting.written(value)
    enforced = [r.id for r in policy.rules if r.enforced]
    if enforced:
        document["enforced"] = enforced
    if policy.bedrock:
        document["bedrock"] = dict(policy.bedrock)
    for rule in policy.rules:
        _put(document, rule, section_of(rule.detector, rule.type), policy)
    return document


def _inside(document: dict[str, Any], key: str) -> dict[str, Any]:
    """The mapping in which the last part of a dotted key stands."""
    for name in key.split(".")[:-1]:
        document = document.setdefault(name, {})
    return document


def _says(rule: Rule, section: Section, policy: Policy) -> dict[str, Any]:
    """What the rule says, but for what it would say unwritten."""
    own = {
        field: (setting, getattr(rule.settings, field))
        for field, setting in settings_of(rule.detector).items()
        if section.settings is None or field in section.settings
    }
    messages = {direction: getattr(rule, f"{direction}_message") for direction in section.directions}
    shared = next(iter(messages.values())) if len(set(messages.values())) == 1 else None
    sides: dict[str, dict[str, Any]] = {}
    for direction, message in messages.items():
        action = getattr(rule, direction)
        says = {s.name(f): value for f, (s, value) in own.items() if s.sided and f.startswith(direction)}
        says |= {"enabled": False} if action is None else {"action": action.value}
        sides[direction] = says if shared == message else {**says, "message": message}
    first, *others = sides.values()
    out: dict[str, Any] = dict(first) if all(side == first for side in others) else dict(sides)
    for field, (setting, value) in own.items():
        default = section.defaults.get(field, default_of(type(rule.settings), field))
        if not setting.sided and (value != default or setting.example):
            out[field] = setting.written(value)
    common = {
        "on_failure": None if rule.on_failure is policy.on_failure else rule.on_failure.value,
        "required": rule.required,
        "except": list(rule.exceptions),
        "message": shared,
        "mask": None if rule.mask == Mask() else mask_value(rule.mask),
    }
    return out | {name: value for name, value in common.items() if value}


def _put(document: dict[str, Any], rule: Rule, section: Section, policy: Policy) -> None:
    """The rule where its section has it."""
    says, last = _says(rule, section, policy), section.key.rpartition(".")[2]
    inside = _inside(document, section.key)
    if section is RULES:
        settings = asdict(rule.settings)
        entry = {"id": rule.id, "detector": rule.detector, "type": rule.type, "settings": settings}
        inside.setdefault(last, []).append(entry | says)
    elif section.shape is Shape.WORDS:
        _put_words(inside.setdefault(last, {}), rule, says)
    elif section.shape is Shape.ONE:
        inside[last] = says
    elif section.shape is Shape.LIST:
        named = {} if rule.id == section.rule_id(rule.type) else {"id": rule.id}
        inside.setdefault(last, []).append({"name": rule.type, **named, **says})
    else:
        inside.setdefault(last, {})[rule.type] = says


def _put_words(words: dict[str, Any], rule: Rule, says: dict[str, Any]) -> None:
    terms, lists, managed = (says.pop(name, ()) for name in ("terms", "lists", "managed"))
    name = rule.id.partition(".")[2]
    if terms:
        named = {} if name in ("terms", *map(slug, terms)) else {"id": name}
        words.setdefault("terms", []).append({"terms": terms, **named, **says})
    for path in lists:
        words.setdefault("lists", []).append({"file": path, **says})
    for listed in managed:
        words.setdefault("managed", {})[listed] = says
