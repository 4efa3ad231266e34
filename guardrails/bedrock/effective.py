"""A policy with inheritance worked out, as a document that stands alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from guardrails.policy.explaining import mask_value
from guardrails.rules import Limits, Mask, Policy, Rule
from guardrails.types import OnFailure, UnsupportedLanguage

__all__ = ["effective"]


def effective(policy: Policy) -> dict[str, Any]:
    """A document that says what the policy does, without parents."""
    document: dict[str, Any] = {"version": 1, "name": policy.name}
    if policy.description is not None:
        document["description"] = policy.description
    document["messages"] = {
        "blocked_input": policy.messages.blocked_input,
        "blocked_output": policy.messages.blocked_output,
    }
    if policy.metadata:
        document["metadata"] = dict(policy.metadata)
    if policy.on_failure is not OnFailure.BLOCK:
        document["on_failure"] = policy.on_failure.value
    if policy.unsupported_language is not UnsupportedLanguage.ALLOW:
        document["unsupported_language"] = policy.unsupported_language.value
    enforced = [r.id for r in policy.rules if r.enforced]
    if enforced:
        document["enforced"] = enforced
    if policy.limits != Limits():
        document["limits"] = asdict(policy.limits)
    if policy.bedrock:
        document["bedrock"] = dict(policy.bedrock)
    for rule in policy.rules:
        _put(document, rule, policy.on_failure)
    return document


def _put(document: dict[str, Any], rule: Rule, default: OnFailure) -> None:
    out: dict[str, Any] = {}
    for direction in ("input", "output"):
        action = getattr(rule, direction)
        out[direction] = {"enabled": False} if action is None else action.value
    if out["input"] == out["output"] and isinstance(out["input"], str):
        out = {"action": out["input"]}
    if rule.on_failure is not default:
        out["on_failure"] = rule.on_failure.value
    if rule.exceptions:
        out["except"] = list(rule.exceptions)
    if rule.mask != Mask():
        out["mask"] = mask_value(rule.mask)
    if rule.required:
        out["required"] = True
    if rule.input_message is not None and rule.input_message == rule.output_message:
        out["message"] = rule.input_message
    else:
        for direction in ("input", "output"):
            message = getattr(rule, f"{direction}_message")
            if message is not None:
                side = out.get(direction, out.get("action"))
                out[direction] = {**(side if isinstance(side, dict) else {"action": side}), "message": message}
    settings = rule.settings
    if rule.detector == "words":
        section = document.setdefault("words", {})
        if settings.terms:
            section.setdefault("terms", []).append({"terms": list(settings.terms), **out})
        section.setdefault("lists", []).extend({"file": t.path, **out} for t in settings.lists)
        for name in settings.managed:
            section.setdefault("managed", {})[name] = out
    elif rule.detector == "pii":
        if settings.min_score != type(settings)(rule.type).min_score:
            out["min_score"] = settings.min_score
        document.setdefault("pii", {}).setdefault("entities", {})[rule.type] = out
    elif rule.detector == "regex":
        document.setdefault("pii", {}).setdefault("regexes", []).append(
            {"name": rule.type, "pattern": settings.pattern, **out}
        )
    elif rule.detector == "content":
        sides: dict[str, Any] = {d: {"strength": getattr(settings, f"{d}_strength")} for d in ("input", "output")}
        for direction, side in sides.items():
            says = out.get(direction, {})
            side |= says if isinstance(says, dict) else {"action": says}
        document.setdefault("content", {})[rule.type] = {**out, **sides}
    elif rule.detector == "topics":
        topic = {"name": settings.name, "definition": settings.definition, "examples": list(settings.examples), **out}
        if settings.not_examples:
            topic["not_examples"] = list(settings.not_examples)
        if settings.threshold is not None:
            topic["threshold"] = settings.threshold
        document.setdefault("topics", []).append(topic)
    elif rule.detector == "grounding":
        from guardrails.detectors.grounding import SOURCES  # noqa: PLC0415 - only policies with grounding need it

        action = rule.output
        document[rule.id] = {
            "threshold": settings.threshold,
            **({"sources": list(settings.sources)} if settings.sources not in ((), SOURCES) else {}),
            **({"action": action.value} if action else {"enabled": False}),
            **({"message": rule.output_message} if rule.output_message is not None else {}),
        }
    else:
        document.setdefault("rules", []).append({"id": rule.id, "detector": rule.detector})
