"""Inheritance: a child over its parents, field by field, and no enforced setting weakened.

The order of every field, mildest first, is ``ORDER`` below; docs/policy-files.md prints it. A child may move an
enforced rule up this order and never down. Between several parents nobody is the child, so the stricter value wins.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import math
from collections.abc import Callable
from typing import Any

from guardrails.policy.drafts import DEFAULT_LIMITS, Document, Draft, Value
from guardrails.policy.reader import Reader
from guardrails.policy.turns import stream_value
from guardrails.rules import Conversation, Position, Streaming, StreamMode
from guardrails.types import OnFailure, RuleAction, Uninspected, UnsupportedLanguage

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
    "threshold": "a higher threshold is stricter; of a topic, a lower one",
    "terms, lists, managed, examples": "may only grow",
    "except, not_examples": "may not grow",
    "pattern, definition, mask, sources": "may not change",
    "max_characters, max_pieces, deadline_ms": (
        "once a rule is enforced they may only shrink, and only if every enforced rule blocks on failure"
    ),
    "uninspected": "once a rule is enforced: allow < block",
    "stream": "once a rule is enforced: async < bounded (fewer characters are stricter) < sync",
    "conversation.window": "once a rule is enforced it may only grow",
}

_GROWING = ("terms", "lists", "managed", "examples", "not_examples")
_FIXED = ("pattern", "definition", "mask", "settings", "sources")


def merge(base: Document, over: Document, reader: Reader, *, siblings: bool = False) -> Document:
    """``over`` on top of ``base``. Weakening is a problem; between ``siblings`` the stricter value wins."""
    drafts = dict(base.drafts)
    for id_, draft in over.drafts.items():
        parent = drafts.get(id_)
        drafts[id_] = draft if parent is None else _merged(parent, draft, reader, siblings)
    limits = _limits(base, over, reader, siblings)
    return Document(
        name=over.name or base.name,
        description=over.description or base.description,
        metadata={**base.metadata, **over.metadata},
        messages={**base.messages, **over.messages},
        limits=limits,
        on_failure=over.on_failure or base.on_failure,
        unsupported_language=_stricter(base.unsupported_language, over.unsupported_language),
        uninspected=_tighter(base, over, "uninspected", reader, siblings),
        conversation=_conversation(base, over, reader, siblings),
        stream=_tighter(base, over, "stream", reader, siblings),
        bedrock=over.bedrock or base.bedrock,
        drafts=drafts,
        enforced=[*base.enforced, *over.enforced],
        extends=over.extends,
        countries=over.countries or base.countries,
    )


def _stricter(base: Value | None, over: Value | None) -> Value | None:
    """Who once said that unjudged languages are blocked is not overruled from below."""
    if base is None or over is None:
        return over or base
    return base if base.value is UnsupportedLanguage.BLOCK else over


# How strict a setting is that decides what of a text is seen at all, and when: more is stricter.
_STRICTNESS: dict[str, Callable[[Any], float]] = {
    "uninspected": lambda value: value is Uninspected.BLOCK,
    "stream": lambda value: {StreamMode.SYNC: 0.0, StreamMode.BOUNDED: -value.ahead}.get(value.mode, -math.inf),
    "conversation.window": float,
}
_DEFAULTS = {"uninspected": Uninspected.BLOCK, "stream": Streaming(), "conversation.window": Conversation().window}


def _tighter(base: Document, over: Document, name: str, reader: Reader, siblings: bool) -> Value | None:
    """A setting of the whole document: the child's word, but never a milder one once a parent enforces a rule."""
    section, _, key = name.partition(".")
    old: Value | None
    new: Value | None
    old, new = (getattr(d, section).get(key) if key else getattr(d, section) for d in (base, over))
    strict = _STRICTNESS[name]
    held, held_too = (next((d for d in document.drafts.values() if d.enforced), None) for document in (base, over))
    if held is not None and old is None:
        old = Value(_DEFAULTS[name], held.enforced or held.at)  # what its author relied on, unwritten
    if siblings and held_too is not None and new is None:
        new = Value(_DEFAULTS[name], held_too.enforced or held_too.at)
    if new is None or old is None:
        return new or old
    if siblings:
        return old if strict(old.value) >= strict(new.value) else new
    if held is not None and strict(new.value) < strict(old.value):
        shown, floor = (stream_value(v.value) if name == "stream" else v.value for v in (new, old))
        _weakened(reader, name, shown, floor, new.at, old.at)
        return old
    return new


def _conversation(base: Document, over: Document, reader: Reader, siblings: bool) -> dict[str, Value]:
    """The scope is free: it says what blocks a turn, and what it does not block is replaced. The window is not."""
    merged = {**base.conversation, **over.conversation}
    window = _tighter(base, over, "conversation.window", reader, siblings)
    return merged if window is None else {**merged, "window": window}


def _limits(base: Document, over: Document, reader: Reader, siblings: bool) -> dict[str, Value]:
    """The limits of both. Under a larger one a text passes that its author refused unseen; under a smaller one more
    texts are not seen at all, which is stricter only where such a failure blocks."""
    held = [d for d in base.drafts.values() if d.enforced] + [
        d for d in over.drafts.values() if d.enforced and siblings
    ]
    if not held:
        return {**base.limits, **over.limits}
    lenient = next((d for d in held if d.get("on_failure", OnFailure.BLOCK) is not OnFailure.BLOCK), None)
    limits = dict(base.limits)
    for name in DEFAULT_LIMITS.__dataclass_fields__ if siblings else over.limits:
        default = Value(getattr(DEFAULT_LIMITS, name), held[0].at)
        old, new = base.limits.get(name, default), over.limits.get(name, default)
        if siblings and (lenient is None or old.value == new.value):
            if name in base.limits or name in over.limits:
                limits[name] = min(old, new, key=lambda v: v.value)
        elif new.value > old.value:
            _weakened(reader, f"limits.{name}", new.value, old.value, new.at, old.at)
        elif new.value < old.value and lenient is not None:
            _weakened(
                reader, f"limits.{name}", new.value, f"{old.value}, because {lenient.id} lets pass what it cannot see",
                new.at, old.at,
            )  # fmt: skip
        else:
            limits[name] = new
    return limits


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
    # A policy-wide on_failure is part of what an enforced rule says: pinned, a child's default cannot soften it.
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
    if parent.enforced is not None:
        merged = _held(parent, merged, child, reader, siblings)
    elif not siblings:
        _milder(parent, merged, child, reader)
    if siblings and parent.enforced and child.enforced:
        for name in _FIXED:
            if name != "mask" and parent.get(name) != child.get(name):
                reader.report(
                    "parents-disagree", f"{parent.id} is enforced by two parents that say different things", child.at,
                    child.key, written=f"another {name} than in {parent.place(name)}", remedy="extend one of the two",
                )  # fmt: skip
    if siblings and child.enforced is not None:
        # The later parent has its say too: nothing that the earlier one wrote may weaken what it enforces.
        merged = _held(child, merged, parent, reader, siblings)
        merged = dataclasses.replace(merged, enforced=parent.enforced or child.enforced)
    return merged


def _milder(parent: Draft, merged: Draft, child: Draft, reader: Reader) -> None:
    """Warn where a child says less than a parent whose rule nobody enforces: it may, and it may not have meant to."""
    said: list[tuple[str, Any, Any, Position]] = []
    for direction in ("input", "output"):
        before, after = parent.action(direction), merged.action(direction)
        names = (f"{direction}_action", f"{direction}_enabled", f"{direction}_strength", "action", "enabled")
        if _ACTIONS.index(after) < _ACTIONS.index(before):
            said.append((direction, after or "disabled", before, child.place(*names)))
        old, new = (d.get(f"{direction}_strength", "HIGH") for d in (parent, merged))
        if after is not None and parent.detector == "content" and _STRENGTHS.index(new) < _STRENGTHS.index(old):
            said.append((f"{direction}.strength", new, old, child.place(f"{direction}_strength")))
    for name, default in (("on_failure", OnFailure.BLOCK), ("required", False)):
        order: list[Any] = _FAILURES if name == "on_failure" else [False, True]
        old, new = parent.get(name, default), merged.get(name, default)
        if name in child.fields and order.index(new) < order.index(old):
            said.append((name, new, old, child.place(name)))
    for name, sign in (("min_score", -1), ("threshold", 1)):
        if name in child.fields and name in parent.fields and sign * child.get(name) < sign * parent.get(name):
            said.append((name, child.get(name), parent.get(name), child.place(name)))
    places = {(p.file, p.line, p.column) for p in reader.problems if p.code == "weaker-than-parent"}
    for name, new, old, at in said:
        # ALL stands for many types: one warning for what is written once.
        if (at.file, at.line, at.column) not in places:
            places.add((at.file, at.line, at.column))
            reader.report(
                "weaker-than-parent", f"{parent.id} does less here than in its parent ({parent.at})", at, f"{child.key}.{name}",
                written=str(new), allowed=f"{old} or stricter, to keep what the parent does",
                remedy="remove this setting, unless it is meant; enforced: [" + parent.id + "] in the parent forbids it",
                severity="warning",
            )  # fmt: skip


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
        "on_failure", _FAILURES.index(new_failure) < _FAILURES.index(old_failure), new_failure, old_failure,
        "on_failure",
        undo={"on_failure": Value(old_failure, parent.at)},
    )  # fmt: skip
    check(
        "required", parent.get("required", False) and not merged.get("required", False), "false", "true", "required",
        undo={"required": Value(True, parent.at)},
    )  # fmt: skip
    topic = parent.detector == "topics"
    if topic and "threshold" in child.fields and "threshold" not in parent.fields:
        # The parent relies on the model's own cut point, and that is not known here.
        check("threshold", True, child.get("threshold"), "the model's own", "threshold", undo={"threshold": None})
    for name, sign in (("min_score", -1), ("threshold", -1 if topic else 1)):
        if name in merged.fields and name in child.fields and (name in parent.fields or not topic):
            old = parent.get(name, 0.5 if name == "min_score" else 0.0)
            weak = sign * merged.get(name) < sign * old
            check(name, weak, merged.get(name), old, name, undo={name: Value(old, parent.at)})
    for name in _FIXED:
        if name in child.fields and child.get(name) != parent.get(name):
            check(name, True, "another one", "the parent's", name, undo={name: parent.fields.get(name)})
    excused = {v.value for v in parent.get("exceptions", ())}
    wanted = merged.get("exceptions", ())
    added = [v for v in wanted if v.value not in excused]
    if added:
        if not siblings:
            reader.report(
                "enforced-exception", f"{parent.id} is enforced by {parent.enforced}: no exception reaches it",
                added[0].at, f"{child.key}.except", written=str(added[0].value), remedy="remove the exception",
            )  # fmt: skip
        fields["exceptions"] = Value(tuple(v for v in wanted if v.value in excused), fields["exceptions"].at)
    known = {v.value for v in parent.get("not_examples", ())}
    excluded = merged.get("not_examples", ())
    if any(v.value not in known for v in excluded):
        kept = tuple(v for v in excluded if v.value in known)
        check(
            "not_examples", True, next(v.value for v in excluded if v.value not in known), "the parent's", "not_examples",
            undo={"not_examples": Value(kept, fields["not_examples"].at) if kept else None},
        )  # fmt: skip
    if child.type != parent.type:
        check("type", True, child.type, parent.type, undo={})
    return dataclasses.replace(merged, fields=fields, type=parent.type)


def _weakened(  # noqa: PLR0917 - both values and both places
    reader: Reader, key: str, written: Any, floor: Any, at: Position, parent: Position, rule: str = ""
) -> None:
    reader.report(
        "weakened", f"{rule or key} is enforced by its parent ({parent}) and may only be tightened", at, key,
        written=str(written), allowed=f"{floor} or stricter", remedy="remove this setting, or write a stricter one",
    )  # fmt: skip
