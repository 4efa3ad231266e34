"""A child's rule over its parent's, setting by setting: what an enforced rule says may only become stricter."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from guardrails import detectors
from guardrails.detectors.settings import RULES, Flag, Number, Order, Setting, Word, default_of, settings_of
from guardrails.policy.drafts import Draft, Value
from guardrails.policy.fieldtable import COMMON, DIRECTIONS
from guardrails.policy.reader import Reader
from guardrails.rules import Position
from guardrails.types import OnFailure, RuleAction

__all__ = ["merged_draft", "weakened"]

_ACTIONS = [None, *RuleAction]
# The settings of a rule without a section hold together.
_WHOLE = Setting(kind=Word())


class _Held(NamedTuple):
    """A setting of a rule: its field, what messages call it, the order that holds, and its value where none is written."""

    field: str
    name: str
    setting: Setting
    order: Order
    default: Any

    @property
    def ranked(self) -> bool:
        return self.order in (Order.RISES, Order.FALLS)

    @property
    def flag(self) -> bool:
        return isinstance(self.setting.kind, Flag)


def _settings(draft: Draft) -> Iterator[_Held]:
    """The settings of a rule that have an order."""
    for name, default in (("on_failure", OnFailure.BLOCK), ("required", False), ("mask", None)):
        yield _Held(name, name, COMMON[name], COMMON[name].order, default)
    if draft.section is RULES:
        yield _Held("settings", "settings", _WHOLE, Order.FIXED, None)
        return
    kind = detectors.module(draft.detector).Settings
    for field, setting in settings_of(draft.detector).items():
        name = field.replace("_", ".", 1) if setting.sided else field
        yield _Held(field, name, setting, setting.ordered(draft.get), default_of(kind, field))


def merged_draft(parent: Draft, child: Draft, reader: Reader, siblings: bool) -> Draft:
    """The child's rule on top of its parent's. Weakening an enforced one is a problem; between ``siblings`` the stricter value wins."""
    if child.detector != parent.detector:
        reader.report(
            "rule-changed-kind", f"the rule {child.id!r} is of another kind in {parent.at}", child.at, child.key,
            written=child.detector, allowed=parent.detector, remedy="give it an id of its own",
        )  # fmt: skip
        return parent
    merged = dataclasses.replace(parent, fields=_fields(parent, child), type=child.type, key=child.key)
    if parent.enforced is not None:
        merged = _Enforcing(parent, merged, child, reader, siblings).held()
    elif not siblings:
        _milder(parent, merged, child, reader)
    if siblings and parent.enforced and child.enforced:
        for one in _settings(parent):
            differs = parent.get(one.field) != child.get(one.field)
            if one.order is Order.FIXED and one.field not in COMMON and not one.flag and differs:
                reader.report(
                    "parents-disagree", f"{parent.id} is enforced by two parents that say different things", child.at,
                    child.key, written=f"another {one.name} than in {parent.place(one.field)}", remedy="extend one of the two",
                )  # fmt: skip
    if siblings and child.enforced is not None:
        # The later parent has its say too: nothing that the earlier one wrote may weaken what it enforces.
        merged = _Enforcing(child, merged, parent, reader, siblings).held()
        merged = dataclasses.replace(merged, enforced=parent.enforced or child.enforced)
    return merged


def _fields(parent: Draft, child: Draft) -> dict[str, Value]:
    fields = dict(parent.fields)
    # An action or switch for both directions replaces what the parent said for one.
    for name in ("action", "enabled"):
        if name in child.fields:
            for direction in DIRECTIONS:
                fields.pop(f"{direction}_{name}", None)
    added = {name for name, setting in settings_of(child.detector).items() if setting.grows}
    for name, value in child.fields.items():
        if name in added and name in fields:
            old = fields[name].value
            known = {v.value for v in old}
            fields[name] = Value((*old, *(v for v in value.value if v.value not in known)), value.at)
        else:
            fields[name] = value
    return fields


def _sources(direction: str) -> tuple[str, ...]:
    """The fields that decide what a rule does in a direction."""
    return (f"{direction}_action", f"{direction}_enabled", f"{direction}_strength", "action", "enabled")


def _milder(parent: Draft, merged: Draft, child: Draft, reader: Reader) -> None:
    """Warn where a child says less than a parent whose rule nobody enforces: it may, and it may not have meant to."""
    said: list[tuple[str, Any, Any, Position]] = []
    for direction in DIRECTIONS:
        before, after = parent.action(direction), merged.action(direction)
        if _ACTIONS.index(after) < _ACTIONS.index(before):
            said.append((direction, after or "disabled", before, child.place(*_sources(direction))))
    for one in _settings(parent):
        old, new = (draft.get(one.field, one.default) for draft in (parent, merged))
        off = one.setting.sided and merged.action(one.field.partition("_")[0]) is None
        unsaid = isinstance(one.setting.kind, Number) and one.field not in parent.fields
        if one.ranked and not off and not unsaid and None not in (old, new) and one.setting.weaker(new, old, one.order):
            said.append((one.name, new, old, child.place(one.field)))
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


class _Enforcing:
    """A parent's enforced rule, a child's, and both merged."""

    def __init__(self, parent: Draft, merged: Draft, child: Draft, reader: Reader, siblings: bool) -> None:
        self.parent = parent
        self.merged = merged
        self.child = child
        self.reader = reader
        self.siblings = siblings
        self.fields = dict(merged.fields)

    def held(self) -> Draft:
        """The merged rule, with every weakening reported or, between siblings, undone."""
        parent, merged = self.parent, self.merged
        for direction in DIRECTIONS:
            before, after = parent.action(direction), merged.action(direction)
            if _ACTIONS.index(after) < _ACTIONS.index(before):
                keep = {f"{direction}_action": Value(before, parent.at), f"{direction}_enabled": Value(True, parent.at)}
                self.weakened(direction, after or "disabled", before, *_sources(direction), undo=keep)
        for one in _settings(parent):
            if one.ranked:
                self.ranked(one)
            elif one.order is Order.FIXED:
                self.fixed(one)
            elif one.order is Order.SHRINKS:
                self.shrinking(one)
        self.exceptions()
        if self.child.type != parent.type:
            self.weakened("type", self.child.type, parent.type)
        return dataclasses.replace(merged, fields=self.fields, type=parent.type)

    def ranked(self, one: _Held) -> None:
        old, new = (draft.get(one.field, one.default) for draft in (self.parent, self.merged))
        if old is None and new is not None:
            # The parent relies on the model's own cut point, and that is not known here.
            self.weakened(one.name, new, "the model's own", one.field, undo={one.field: None})
        elif None not in (old, new) and one.setting.weaker(new, old, one.order):
            self.weakened(one.name, _shown(new), _shown(old), one.field, undo={one.field: Value(old, self.parent.at)})

    def fixed(self, one: _Held) -> None:
        undo = {one.field: self.parent.fields.get(one.field)}
        if one.flag:
            old, new = (bool(draft.get(one.field)) for draft in (self.parent, self.merged))
            if new is not old:
                self.weakened(one.name, _shown(new), _shown(old), one.field, undo=undo)
        elif one.field in self.child.fields and self.child.get(one.field) != self.parent.get(one.field):
            self.weakened(one.name, "another one", "the parent's", one.field, undo=undo)

    def shrinking(self, one: _Held) -> None:
        """A list whose items widen what passes."""
        known, wanted = self.parent.get(one.field, ()), self.merged.items(one.field)
        added = [v.value for v in wanted if v.value not in known]
        if added:
            kept = tuple(v for v in wanted if v.value in known)
            undo = {one.field: Value(kept, self.fields[one.field].at) if kept else None}
            self.weakened(one.name, added[0], "the parent's", one.field, undo=undo)

    def exceptions(self) -> None:
        parent, excused = self.parent, self.parent.get("exceptions", ())
        wanted = self.merged.items("exceptions")
        added = [v for v in wanted if v.value not in excused]
        if added:
            if not self.siblings:
                self.reader.report(
                    "enforced-exception", f"{parent.id} is enforced by {parent.enforced}: no exception reaches it",
                    added[0].at, f"{self.child.key}.except", written=str(added[0].value), remedy="remove the exception",
                )  # fmt: skip
            kept = tuple(v for v in wanted if v.value in excused)
            self.fields["exceptions"] = Value(kept, self.fields["exceptions"].at)

    def weakened(
        self,
        name: str,
        written: Any,
        floor: Any,
        *places: str,
        undo: Mapping[str, Value | None] | None = None,
    ) -> None:
        """Report a weakening; between siblings nothing is reported, and in both cases it is undone."""
        child, parent = self.child, self.parent
        if not self.siblings:
            here, there = child.place(*places), parent.place(*places)
            weakened(self.reader, f"{child.key}.{name}", written, floor, here, there, parent.id)
        for key, value in (undo or {}).items():
            if value is None:
                self.fields.pop(key, None)
            else:
                self.fields[key] = value


def _shown(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def weakened(  # noqa: PLR0917 - both values and both places
    reader: Reader, key: str, written: Any, floor: Any, at: Position, parent: Position, rule: str = ""
) -> None:
    """Report that a child weakens what its parent enforces."""
    reader.report(
        "weakened", f"{rule or key} is enforced by its parent ({parent}) and may only be tightened", at, key,
        written=str(written), allowed=f"{floor} or stricter", remedy="remove this setting, or write a stricter one",
    )  # fmt: skip
