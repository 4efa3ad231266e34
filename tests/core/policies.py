"""Small policies for tests, made without files."""

from __future__ import annotations

from typing import Any

from guardrails import Guard
from guardrails.detectors import pii, regex, words
from guardrails.rules import Limits, Mask, MaskStyle, Policy, Rule
from guardrails.types import OnFailure, PolicyIdentity, RuleAction

BLOCK, MASK, DETECT = RuleAction.BLOCK, RuleAction.MASK, RuleAction.DETECT


def words_rule(id_: str, *terms: str, action: RuleAction = BLOCK, type_: str = "WORD", **more: Any) -> Rule:
    settings = words.Settings(terms=terms, lists=(), managed=())
    return Rule(id=f"words.{id_}", detector="words", type=type_, settings=settings, input=action, output=action, **more)


def regex_rule(name: str, pattern: str, action: RuleAction = MASK, **more: Any) -> Rule:
    settings = regex.Settings(name=name, pattern=pattern)
    return Rule(id=f"regex.{name}", detector="regex", type=name, settings=settings, input=action, output=action, **more)


def pii_rule(entity: str, action: RuleAction = MASK, **more: Any) -> Rule:
    settings = pii.Settings(entity=entity)
    return Rule(id=f"pii.{entity}", detector="pii", type=entity, settings=settings, input=action, output=action, **more)


def policy(*rules: Rule, **more: Any) -> Policy:
    return Policy(name="test", identity=PolicyIdentity("test", "0" * 64, "tests"), rules=rules, **more)


def guard(*rules: Rule, **more: Any) -> Guard:
    return Guard(policy(*rules, **more))


def styled(style: str, **more: Any) -> Mask:
    return Mask(style=MaskStyle(style), **more)


__all__ = [
    "BLOCK",
    "DETECT",
    "MASK",
    "Limits",
    "OnFailure",
    "guard",
    "pii_rule",
    "policy",
    "regex_rule",
    "styled",
    "words_rule",
]
