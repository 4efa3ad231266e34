"""Inheritance: a child over its parents, field by field, and no enforced setting weakened.

The order of every field, mildest first, is ``ORDER`` below; docs/policy-files.md prints it. A child may move an
enforced rule up this order and never down. Between several parents nobody is the child, so the stricter value wins.
"""

from __future__ import annotations

import dataclasses
import fnmatch

from guardrails.detectors.settings import Order, Setting
from guardrails.policy.drafts import Document, Draft, Value
from guardrails.policy.fieldtable import DEFAULT, POLICY
from guardrails.policy.holding import merged_draft, weakened
from guardrails.policy.reader import Reader
from guardrails.types import OnFailure

__all__ = ["ORDER", "enforce", "merge"]

# field → how it is ordered, as people read it.
ORDER: dict[str, str] = {
    "action, input, output, enabled": "disabled < detect < mask < block, in each direction",
    "strength": "NONE < LOW < MEDIUM < HIGH, in each direction",
    "on_failure": "allow < detect < block",
    "required": "false < true",
    "min_score": "a lower score is stricter",
    "threshold": "a higher threshold is stricter; of a denied topic, a lower one",
    "terms, lists, managed, examples": "may only grow; examples of an allowed topic may not",
    "except, not_examples": "may not grow; not_examples of an allowed topic may only grow",
    "pattern, definition, head, mask, sources, allow": "may not change",
    "topics": "no allowed topic is added beside enforced ones",
    "tools": "once tools.default denies and is enforced, no rule that allows a tool is added or widened",
    "arguments, schema, server": "may not change",
    "tools.calls.tools": "may only grow; of a rule that allows, may not grow",
    "rate": "a lower rate is stricter",
    "ask": "true < false",
    "verdict": "allow < deny",
    "max_characters, max_pieces, deadline_ms": (
        "once a rule is enforced they may only shrink, and only if every enforced rule blocks on failure"
    ),
    "uninspected": "once a rule is enforced: allow < block",
    "stream": "once a rule is enforced: async < bounded (fewer characters are stricter) < sync",
    "conversation.window": "once a rule is enforced it may only grow",
}


def merge(base: Document, over: Document, reader: Reader, *, siblings: bool = False) -> Document:
    """``over`` on top of ``base``. Weakening is a problem; between ``siblings`` the stricter value wins."""
    drafts = dict(base.drafts)
    for id_, draft in over.drafts.items():
        parent = drafts.get(id_)
        if parent is None and _widens(base, draft, reader, siblings):
            continue
        drafts[id_] = draft if parent is None else merged_draft(parent, draft, reader, siblings)
    if siblings:  # what the later parent closes is not widened by the earlier one either
        drafts = {k: d for k, d in drafts.items() if k in over.drafts or not d.get("allow") or not _closing(over, d)}
    return Document(
        settings=_settings(base, over, reader, siblings) | _limits(base, over, reader, siblings),
        drafts=drafts,
        enforced=[*base.enforced, *over.enforced],
        extends=over.extends,
        countries=over.countries or base.countries,
    )


def _closing(document: Document, draft: Draft) -> Draft | None:
    """An enforced rule of the draft's detector beside which nothing more may be allowed than its own file allows."""
    for held in document.drafts.values():
        closes = held.section.closes
        if (
            held.enforced
            and held.detector == draft.detector
            and closes is not None
            and held.get(closes[0]) == closes[1]
        ):
            return held
    return None


def _widens(base: Document, draft: Draft, reader: Reader, siblings: bool) -> bool:
    """True, and a problem unless ``siblings``, for one more rule that allows something where an enforced rule closes the list: it
    would let more pass."""
    held = _closing(base, draft) if draft.get("allow") else None
    if held is not None and not siblings:
        weakened(reader, f"{draft.key}.allow", "true", "nothing further", draft.place("allow"), held.at, held.id)
    return held is not None


def _settings(base: Document, over: Document, reader: Reader, siblings: bool) -> dict[str, Value]:
    """The settings of both: the child's word, but for those whose order holds."""
    merged = {k: v for k, v in {**base.settings, **over.settings}.items() if not k.startswith("limits.")}
    for key in [k for k in POLICY if not k.startswith("limits.")]:
        value = _tighter(base, over, key, reader, siblings)
        if value is not None:
            merged[key] = value
    return merged


def _tighter(base: Document, over: Document, name: str, reader: Reader, siblings: bool) -> Value | None:
    """A setting of the whole document: the child's word, but never a milder one once a parent enforces a rule, or where its order
    always holds: who once said that unjudged languages are blocked, or system messages judged, is not overruled from below."""
    setting, old, new = POLICY[name], base.settings.get(name), over.settings.get(name)
    if setting.order is Order.FREE:
        return new or old
    if setting.always:
        kept = old if old is not None and (new is None or not setting.weaker(old.value, new.value)) else new
        if old is not None and new is not None and not siblings and setting.weaker(new.value, old.value):
            _milder(
                reader,
                name,
                setting,
                new,
                old,
                "is passed over: its parent's holds",
                "remove it, or write what its parent writes",
            )
        return kept
    held, held_too = (next((d for d in document.drafts.values() if d.enforced), None) for document in (base, over))
    if held is not None and old is None:
        old = Value(DEFAULT[name], held.enforced or held.at)  # what its author relied on, unwritten
    if siblings and held_too is not None and new is None:
        new = Value(DEFAULT[name], held_too.enforced or held_too.at)
    if new is None or old is None:
        return new or old
    if siblings:
        return new if setting.weaker(old.value, new.value) else old
    if held is not None and setting.weaker(new.value, old.value):
        weakened(reader, name, setting.written(new.value), setting.written(old.value), new.at, old.at)
        return old
    if setting.weaker(new.value, old.value):
        remedy = "remove this setting, unless it is meant; a rule that the parent enforces forbids it"
        _milder(reader, name, setting, new, old, "is milder here than in its parent", remedy)
    return new


def _milder(  # noqa: PLR0917 - both values, and what is said of them
    reader: Reader, name: str, setting: Setting, new: Value, old: Value, told: str, remedy: str
) -> None:
    """Warn of a setting of the whole document that says less than its parent's."""
    reader.report(
        "weaker-than-parent", f"{name} {told} ({old.at})", new.at, name, written=str(setting.written(new.value)),
        allowed=f"{setting.written(old.value)} or stricter, to keep what the parent does", remedy=remedy, severity="warning",
    )  # fmt: skip


def _limits(base: Document, over: Document, reader: Reader, siblings: bool) -> dict[str, Value]:
    """The limits of both. Under a larger one a text passes that its author refused unseen; under a smaller one more
    texts are not seen at all, which is stricter only where such a failure blocks."""
    ours, theirs = ({k: v for k, v in d.settings.items() if k.startswith("limits.")} for d in (base, over))
    held = [d for d in base.drafts.values() if d.enforced] + [
        d for d in over.drafts.values() if d.enforced and siblings
    ]
    if not held:
        return {**ours, **theirs}
    lenient = next((d for d in held if d.get("on_failure", OnFailure.BLOCK) is not OnFailure.BLOCK), None)
    limits = dict(ours)
    for name in [k for k in POLICY if k.startswith("limits.")] if siblings else theirs:
        default = Value(DEFAULT[name], held[0].at)
        old, new = ours.get(name, default), theirs.get(name, default)
        if siblings and (lenient is None or old.value == new.value):
            if name in ours or name in theirs:
                limits[name] = min(old, new, key=lambda v: v.value)
        elif new.value > old.value:
            weakened(reader, name, new.value, old.value, new.at, old.at)
        elif new.value < old.value and lenient is not None:
            floor = f"{old.value}, because {lenient.id} lets pass what it cannot see"
            weakened(reader, name, new.value, floor, new.at, old.at)
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
    # What is allowed beside a rule that closes the list is part of what that rule says.
    for id_, draft in document.drafts.items():
        held = _closing(document, draft) if draft.get("allow") and draft.enforced is None else None
        if held is not None:
            document.drafts[id_] = dataclasses.replace(draft, enforced=held.enforced)
    # A policy-wide on_failure is part of what an enforced rule says: pinned, a child's default cannot soften it.
    for draft in document.drafts.values():
        if draft.enforced is not None and "on_failure" not in draft.fields:
            default = document.settings.get("on_failure") or Value(OnFailure.BLOCK, draft.at)
            draft.fields = {**draft.fields, "on_failure": default}
