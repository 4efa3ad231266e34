"""What a review decided, for others: cases of a policy's test file, and labelled rows for ``guardrails calibrate`` and ``eval``."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.review.book import Item, Review
from guardrails.rules import Policy, Rule
from guardrails.types import Action, Piece, Qualifier, RuleAction

__all__ = ["cases", "labelled"]

_DOES = {RuleAction.BLOCK: Action.BLOCKED, RuleAction.MASK: Action.MASKED, RuleAction.DETECT: Action.NONE}
_SHORT = 60


def labelled(review: Review, kind: str = "csv") -> str:
    """The decided texts as rows of a table (``csv``) or of JSON (``jsonl``), with their direction and label.

    Rows of JSON also name the rule in ``categories``, so that a label counts for that rule alone; and have role, query and sources.
    """
    found = [(item, label) for item in review.items if (label := review.decided(item)) is not None]
    if kind == "jsonl":
        return "".join(json.dumps(_json(review, item, label), ensure_ascii=False) + "\n" for item, label in found)
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("text", "source", "label"))
    table.writerows((item.row.text, item.row.source.value, label) for item, label in found)
    return out.getvalue()


def _json(review: Review, item: Item, label: int) -> dict[str, Any]:
    row = item.row
    out: dict[str, Any] = {"text": row.text, "source": row.source.value, "label": label}
    if review.question is not None and review.question.rule is not None:
        out["categories"] = {review.question.rule.partition(" ")[0]: label}
    if row.role is not None:
        out["role"] = row.role.value
    if row.query is not None:
        out["query"] = row.query
    if row.grounding_source:
        out["grounding_source"] = list(row.grounding_source)
    return out


def cases(review: Review, policy: Policy) -> list[dict[str, Any]]:
    """The decided texts as cases of a test file, in the order of the review.

    Asked about one rule, a case names it in ``rules`` or ``not_rules``, and expects what it and the other rules do together; asked about the whole
    policy, it expects that a text is blocked, or what the policy does to it now short of that. Raises GuardrailsError for a rule that the policy does
    not have, or that never acts.
    """
    rule = _asked(review, policy)
    policy = policy.unhurried()
    rest = (
        policy
        if rule is None
        else replace(policy, rules=tuple(_off(r) if r.id == rule.id else r for r in policy.rules))
    )
    guard = Guard(rest)
    return [
        _case(item, label, guard, rule)
        for item in review.items
        if (label := review.decided(item)) is not None and (rule is None or rule.action(item.row.source) is not None)
    ]


def _asked(review: Review, policy: Policy) -> Rule | None:
    asked = review.question.rule if review.question is not None else None
    if asked is None:
        return None
    try:
        rule = policy.rule(asked.partition(" ")[0])
    except KeyError:
        raise GuardrailsError(f"the review asks about {asked}, which {policy.name} does not have") from None
    if rule.input is None and rule.output is None:
        raise GuardrailsError(f"the review asks about {asked}, which is switched off in {policy.name}")
    return rule


def _off(rule: Rule) -> Rule:
    return replace(rule, input=None, output=None)


def _case(item: Item, label: int, guard: Guard, rule: Rule | None) -> dict[str, Any]:
    row = item.row
    words = " ".join(row.text.split())
    case: dict[str, Any] = {"name": words if len(words) <= _SHORT else f"{words[: _SHORT - 1]}…"}
    if len(row.pieces) == 1 and row.role is None:
        case["text"] = row.text
    else:
        case["pieces"] = [_piece(piece) for piece in row.pieces]
    now = guard.check(list(row.pieces), row.source).action
    if rule is None:
        expect = Action.BLOCKED if label else Action.NONE if now is Action.BLOCKED else now
        return case | {"source": row.source.value, "expect": expect.value}
    action = rule.action(row.source)
    own = _DOES[action] if label and action is not None else Action.NONE
    expect = max(now, own, key=lambda a: a.severity)
    case |= {"source": row.source.value, "expect": expect.value}
    return case | ({"rules": [rule.id]} if label else {"not_rules": [rule.id]})


def _piece(piece: Piece) -> dict[str, Any]:
    out: dict[str, Any] = {"text": piece.text, "role": piece.role.value}
    if piece.qualifiers != (Qualifier.GUARD_CONTENT,):
        out["qualifier"] = piece.qualifiers[0].value
    return out
