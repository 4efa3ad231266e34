"""The effective policy as a list of settings, each with where it was written."""

from __future__ import annotations

from typing import Any, NamedTuple

from guardrails import detectors
from guardrails.detectors.settings import TYPE, Flag, settings_of, typed
from guardrails.policy.fieldtable import DEFAULT, POLICY, value_of
from guardrails.rules import Mask, MaskStyle, Policy, Position, Rule
from guardrails.types import OnFailure

__all__ = ["Setting", "explain", "mask_value", "own_values", "rule_settings"]


class Setting(NamedTuple):
    """A dotted key, its effective value, and its place (None: a default)."""

    key: str
    value: Any
    at: Position | None


def explain(policy: Policy) -> list[Setting]:
    """Every effective setting; rules in the order of their ids."""
    where = policy.positions
    out = [Setting("name", policy.name, where.get("name"))]
    said = {key: setting.written(value_of(policy, key)) for key, setting in POLICY.items() if _says(policy, key)}
    out += [Setting("description", said.pop("description"), where.get("description"))] if "description" in said else []
    out += [Setting(f"metadata.{k}", v, where.get(f"metadata.{k}")) for k, v in sorted(policy.metadata.items())]
    out += [Setting(key, value, where.get(key)) for key, value in said.items()]
    for rule in sorted(policy.rules, key=lambda r: r.id):
        out += [
            Setting(f"{rule.id}.{k}", v, _place(policy, rule, k)) for k, v in rule_settings(rule, policy.on_failure)
        ]
    return out


def _says(policy: Policy, key: str) -> bool:
    """Whether a setting is listed: those that somebody relies on unwritten always, others where they say something."""
    group = key.partition(".")[0]
    always = group in ("on_failure", "messages", "limits")
    return always or any(value_of(policy, k) != DEFAULT[k] for k in POLICY if k.partition(".")[0] == group)


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
    return out + own_values(rule)


def own_values(rule: Rule) -> list[tuple[str, Any]]:
    """What a rule's detector was told, by field: what says nothing is left out."""
    declared, out = settings_of(rule.detector), []
    for name, hint in typed(detectors.module(rule.detector).Settings).items():
        value, setting = getattr(rule.settings, name), declared.get(name)
        silent = setting is not None and isinstance(setting.kind, Flag) and not value
        if TYPE not in getattr(hint, "__metadata__", ()) and value not in ((), None) and not silent:
            out.append((name, setting.shown(value) if setting else list(value) if isinstance(value, tuple) else value))
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
