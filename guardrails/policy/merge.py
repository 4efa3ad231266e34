"""Inheritance: a child over its parents, field by field, and no enforced setting weakened.

The order of every field, mildest first, is ``ORDER`` below; docs/policy-files.md prints it. A child may move an enforced
rule up this order and never down. Between several parents nobody is the child, so the stricter value wins.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from typing import Any

from guardrails.policy.drafts import DEFAULT_LIMITS, Document, Draft, Value
from guardrails.policy.reader import Reader
from guardrails.rules import Position
from guardrails.types import OnFailure, RuleAction

__all__ = ["ORDER", "enforce", "merge"]

_ACTIONS = [None, *RuleAction]
_STRENGTHS = ["NONE", "LOW", "MEDIUM", "HIGH"]
_FAILURES = [*OnFailure]

# field → how it is ordered, as people read it.
ORDER: dict[str, str] = {
    "action, input, output, enabled": "disabled < detect < mask < block, in each direction",
    "strength": "NONE < LOW < MEDIUM < HIGH, in each direction",
    "on_failure": "allow < detect < block",
    "required": "false < true",
    "min_score": "a lower score is stricter",
    "threshold": "a higher threshold is stricter",
    "terms, lists, managed, examples": "may only grow",
    "except": "may not grow",
    "pattern, definition, mask": "may not change",
    "max_characters, max_pieces, deadline_ms": "may only shrink, once any rule is enforced",
}

_GROWING = ("terms", "lists", "managed", "examples")


def merge(base: Document, over: Document, reader: Reader, *, siblings: bool = False) -> Document:
    """``over`` on top of ``base``. Weakening is a problem; between ``siblings`` it is resolved to the stricter value."""
    drafts = dict(base.drafts)
    for id_, draft in over.drafts.items():
        parent = drafts.get(id_)
        drafts[id_] = draft if parent is None else _merged(parent, draft, reader, siblings)
    limits = {**base.limits, **over.limits}
    if any(d.enforced for d in base.drafts.values()):
        for name, value in over.limits.items():
            parent_limit = base.limits.get(name, Value(getattr(DEFAULT_LIMITS, name), value.at))
            if value.value > parent_limit.value:
                if siblings:
                    limits[name] = parent_limit
                else:
                    _weakened(reader, f"limits.{name}", value.value, parent_limit.value, value.at, parent_limit.at)
    return Document(
        name=over.name or base.name,
        description=over.description or base.description,
        metadata={**base.metadata, **over.metadata},
        messages={**base.messages, **over.messages},
        limits=limits,
        on_failure=over.on_failure or base.on_failure,
        bedrock=over.bedrock or base.bedrock,
        drafts=drafts,
        enforced=[*base.enforced, *over.enforced],
        extends=over.extends,
        countries=over.countries or base.countries,
    )


def enforce(document: Document, own: list[Value], reader: Reader) -> None:
    """Mark the rules that this file's ``enforced`` patterns name."""
    for pattern in own:
        names = [id_ for id_ in document.drafts if fnmatch.fnmatchcase(id_, pattern.value)]
        if not names:
            reader.unknown(
                "unknown-rule", "matches no rule of this policy", pattern.value, pattern.at, "enforced",
                tuple(sorted(document.drafts)),
            )  # fmt: skip
        for id_ in names:
            draft = document.drafts[id_]
            if draft.enforced is None:
                document.drafts[id_] = dataclasses.replace(draft, enforced=pattern.at)
    # A policy-wide on_failure is part of what an enforced rule says: pin it, so that a child's default cannot soften it.
    for draft in document.drafts.values():
        if draft.enforced is not None and "on_failure" not in draft.fields:
            default = document.on_failure or Value(OnFailure.BLOCK, draft.at)
            draft.fields = {**draft.fields, "on_failure": default}


def _merged(parent: Draft, child: Draft, reader: Reader, siblings: bool) -> Draft:
    if child.detector != parent.detector:
        reader.report(
            "rule-changed-kind", f"the rule {child.id!r} is of another kind in {parent.at}", child.at, child.key,
            written=child.detector, allowed=parent.detector, remedy="give it an id of its own",
        )  # fmt: skip
        return parent
    fields = dict(parent.fields)
    # An action or switch for both directions replaces what the parent said for one.
    for name in ("action", "enabled"):
        if name in child.fields:
            for direction in ("input", "output"):
                fields.pop(f"{direction}_{name}", None)
    for name, value in child.fields.items():
        if name in _GROWING and name in fields:
            old = fields[name].value
            known = {v.value for v in old}
            fields[name] = Value((*old, *(v for v in value.value if v.value not in known)), value.at)
        else:
            fields[name] = value
    merged = dataclasses.replace(parent, fields=fields, type=child.type, key=child.key)
    if parent.enforced is None:
        return merged
    return _held(parent, merged, child, reader, siblings)


def _held(parent: Draft, merged: Draft, child: Draft, reader: Reader, siblings: bool) -> Draft:
    """The merged draft of an enforced rule, with every weakening reported or, between siblings, undone."""
    fields = dict(merged.fields)

    def check(name: str, weak: bool, written: Any, floor: Any, *places: str, undo: dict[str, Value | None]) -> None:
        if not weak:
            return
        if not siblings:
            _weakened(
                reader, f"{child.key}.{name}", written, floor, child.place(*places), parent.place(*places), parent.id
            )
        for key, value in undo.items():
            if value is None:
                fields.pop(key, None)
            else:
                fields[key] = value

    for direction in ("input", "output"):
        before, after = parent.action(direction), merged.action(direction)
        keep: dict[str, Value | None] = {
            f"{direction}_action": Value(before, parent.at),
            f"{direction}_enabled": Value(True, parent.at),
        }
        check(
            direction, _ACTIONS.index(after) < _ACTIONS.index(before), after or "disabled", before,
            f"{direction}_action", f"{direction}_enabled", f"{direction}_strength", "action", "enabled",
            undo=keep if before is not None else {},
        )  # fmt: skip
        if parent.detector == "content":
            name = f"{direction}_strength"
            old, new = parent.get(name, "HIGH"), merged.get(name, "HIGH")
            weak = _STRENGTHS.index(new) < _STRENGTHS.index(old)
            check(f"{direction}.strength", weak, new, old, name, undo={name: Value(old, parent.at)})
    old_failure, new_failure = parent.get("on_failure", OnFailure.BLOCK), merged.get("on_failure", OnFailure.BLOCK)
    check(
        "on_failure", _FAILURES.index(new_failure) < _FAILURES.index(old_failure), new_failure, old_failure, "on_failure",
        undo={"on_failure": Value(old_failure, parent.at)},
    )  # fmt: skip
    check(
        "required", parent.get("required", False) and not merged.get("required", False), "false", "true", "required",
        undo={"required": Value(True, parent.at)},
    )  # fmt: skip
    for name, sign in (("min_score", -1), ("threshold", 1)):
        if name in merged.fields and name in child.fields:
            old = parent.get(name, 0.5 if name == "min_score" else 0.0)
            weak = sign * merged.get(name) < sign * old
            check(name, weak, merged.get(name), old, name, undo={name: Value(old, parent.at)})
    for name, label in (
        ("pattern", "pattern"),
        ("definition", "definition"),
        ("mask", "mask"),
        ("settings", "settings"),
    ):
        if name in child.fields and child.get(name) != parent.get(name):
            check(label, True, "another one", "the parent's", name, undo={name: parent.fields.get(name)})
    excused = {v.value for v in parent.get("exceptions", ())}
    added = [v for v in child.get("exceptions", ()) if v.value not in excused]
    if added:
        if not siblings:
            reader.report(
                "enforced-exception", f"{parent.id} is enforced by {parent.enforced}: no exception reaches it",
                added[0].at, f"{child.key}.except", written=str(added[0].value), remedy="remove the exception",
            )  # fmt: skip
        if "exceptions" in parent.fields:
            fields["exceptions"] = parent.fields["exceptions"]
        else:
            fields.pop("exceptions", None)
    if child.type != parent.type:
        check("type", True, child.type, parent.type, undo={})
    return dataclasses.replace(merged, fields=fields, type=parent.type)


def _weakened(
    reader: Reader, key: str, written: Any, floor: Any, at: Position, parent: Position, rule: str = ""
) -> None:
    reader.report(
        "weakened", f"{rule or key} is enforced by its parent ({parent}) and may only be tightened", at, key,
        written=str(written), allowed=f"{floor} or stricter", remedy="remove this setting, or write a stricter one",
    )  # fmt: skip
