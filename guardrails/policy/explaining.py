"""The effective policy as a list of settings, each with where it was written."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

from guardrails.policy.turns import scope_value, stream_value
from guardrails.rules import Conversation, Limits, Mask, MaskStyle, Messages, Policy, Position, Rule, Streaming
from guardrails.types import OnFailure, Uninspected, UnsupportedLanguage

__all__ = ["Setting", "explain", "rule_settings"]


class Setting(NamedTuple):
    """A dotted key, its effective value, and its place (None: a default)."""

    key: str
    value: Any
    at: Position | None


def explain(policy: Policy) -> list[Setting]:
    """Every effective setting; rules in the order of their ids."""
    where = policy.positions
    out = [Setting("name", policy.name, where.get("name"))]
    if policy.description is not None:
        out.append(Setting("description", policy.description, where.get("description")))
    out += [Setting(f"metadata.{k}", v, where.get(f"metadata.{k}")) for k, v in sorted(policy.metadata.items())]
    out.append(Setting("on_failure", policy.on_failure.value, where.get("on_failure")))
    if policy.unsupported_language is not UnsupportedLanguage.ALLOW:
        at = where.get("unsupported_language")
        out.append(Setting("unsupported_language", policy.unsupported_language.value, at))
    if policy.uninspected is not Uninspected.BLOCK:
        out.append(Setting("uninspected", policy.uninspected.value, where.get("uninspected")))
    if policy.conversation != Conversation():
        scope, window = scope_value(policy.conversation), policy.conversation.window
        out.append(Setting("conversation.scope", scope, where.get("conversation.scope")))
        out.append(Setting("conversation.window", window, where.get("conversation.window")))
    if policy.stream != Streaming():
        out.append(Setting("stream", stream_value(policy.stream), where.get("stream")))
    for section, kind, value in (("messages", Messages, policy.messages), ("limits", Limits, policy.limits)):
        out += [
            Setting(f"{section}.{n}", getattr(value, n), where.get(f"{section}.{n}")) for n in kind.__dataclass_fields__
        ]
    for rule in sorted(policy.rules, key=lambda r: r.id):
        out += [
            Setting(f"{rule.id}.{k}", v, _place(policy, rule, k)) for k, v in rule_settings(rule, policy.on_failure)
        ]
    return out


def rule_settings(rule: Rule, default_failure: OnFailure) -> list[tuple[str, Any]]:
    """What one rule says, defaults left out where they say nothing."""
    off = "disabled"
    out: list[tuple[str, Any]] = [
        ("input", rule.input.value if rule.input else off),
        ("output", rule.output.value if rule.output else off),
    ]
    if rule.on_failure is not default_failure:
        out.append(("on_failure", rule.on_failure.value))
    if rule.required:
        out.append(("required", True))
    if rule.enforced:
        out.append(("enforced", True))
    if rule.exceptions:
        out.append(("except", list(rule.exceptions)))
    if rule.mask != Mask():
        out.append(("mask", mask_value(rule.mask)))
    if rule.input_message is not None and rule.input_message == rule.output_message:
        out.append(("message", rule.input_message))
    else:
        sides = (("input.message", rule.input_message), ("output.message", rule.output_message))
        out += [(name, message) for name, message in sides if message is not None]
    for name in getattr(type(rule.settings), "__dataclass_fields__", {}):
        value = getattr(rule.settings, name)
        if name in ("entity", "name", "category", "kind") or value in ((), None):
            continue
        if name == "lists":
            value = [f"{t.path} ({len(t.terms):,} terms, sha256 {t.sha256[:12]})" for t in value]
        if name == "sources":
            value = [v if isinstance(v, str) else {k: w for k, w in asdict(v).items() if w} for v in value]
        out.append((name, list(value) if isinstance(value, tuple) else value))
    return out


def mask_value(mask: Mask) -> Any:
    """A mask as a policy writes it."""
    if mask.restore:
        places = {"restore_in": list(mask.restore_in)} if mask.restore_in else {}
        return {"style": mask.style.value, "restore": True} | places
    if mask.style in (MaskStyle.TYPE, MaskStyle.NUMBERED):
        return mask.style.value
    options = {"partial": ("keep",), "hash": ("key_env", "key_file"), "constant": ("text",)}[mask.style.value]
    return {"style": mask.style.value} | {o: getattr(mask, o) for o in options if getattr(mask, o) is not None}


# Effective settings and the fields of a rule that decide them, the most specific first.
_FIELDS = {
    "input": ("input_action", "input_enabled", "input_strength", "action", "enabled"),
    "output": ("output_action", "output_enabled", "output_strength", "action", "enabled"),
    "except": ("exceptions",),
    "message": ("input_message",),
    "input.message": ("input_message",),
    "output.message": ("output_message",),
}


def _place(policy: Policy, rule: Rule, key: str) -> Position | None:
    for field in _FIELDS.get(key, (key,)):
        at = policy.positions.get(f"{rule.id}.{field}")
        if at is not None:
            return at
    return policy.positions.get(rule.id) if key not in ("on_failure", "min_score") else None
