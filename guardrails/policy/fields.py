"""Reads a rule's settings into a draft: those that every rule has, and those that its detector declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from guardrails.detectors.settings import Kind, Number, Section, Setting
from guardrails.policy.drafts import Document, Draft, Value
from guardrails.policy.fieldtable import COMMON, DIRECTIONS, MASK, SIDED, STORED, STYLE
from guardrails.policy.files import Lists
from guardrails.policy.kinds import read
from guardrails.policy.reader import Reader
from guardrails.policy.source import Node
from guardrails.rules import RESTORE_IN, Mask, MaskStyle, Position
from guardrails.types import RuleAction

__all__ = ["ID", "NAME", "SLUG", "Fields"]

NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")
SLUG = re.compile(r"[^a-z0-9]+")
# What a mask of a style needs, or may have.
_NEEDS = {"constant": ("text",), "hash": ("key_env", "key_file")}
_USES = {"partial": ("keep",), **_NEEDS}


class Fields:
    """Reads what all rules have in common into drafts."""

    def __init__(self, reader: Reader, lists: Lists) -> None:
        self.reader = reader
        self.lists = lists
        self.out = Document()

    def own(
        self, draft: Draft, entries: dict[str, Node], key: str, settings: Mapping[str, Setting], at: Position
    ) -> None:
        """The settings that the draft's detector declares; those for both directions are read with ``common``."""
        for name, setting in settings.items():
            if setting.sided:
                continue
            if name in entries:
                self.put(draft.fields, name, setting.kind, entries[name], f"{key}.{name}")
            elif setting.example:
                bounds = f"{setting.kind.low:g} to {setting.kind.high:g}" if isinstance(setting.kind, Number) else None
                self.reader.report(
                    "missing-key", f"{key}.{name} is missing", at, key, allowed=bounds,
                    remedy=f"add {name}: {setting.example}",
                )  # fmt: skip

    def common(
        self,
        draft: Draft,
        own: dict[str, Node],
        key: str,
        *,
        base: dict[str, Node] | None = None,
        settings: Mapping[str, Setting] | None = None,
        bare: str = "",
    ) -> None:
        """The settings every rule has, into the draft; ``base`` holds what its section says for all of its rules, ``bare`` is the
        setting that is written in place of a mapping."""
        fields = draft.fields
        entries = {**(base or {}), **own}
        more = {name: setting.kind for name, setting in (settings or {}).items() if setting.sided}
        sided = {**more, **{name: COMMON[name].kind for name in SIDED}}
        for name, kind in sided.items():
            if name in entries:
                # Of these two, what is said for both directions is kept apart: it takes back what a parent says for one.
                both = (name,) if name in ("action", "enabled") else tuple(f"{d}_{name}" for d in DIRECTIONS)
                place = key if name == bare else f"{key}.{name}"
                if self.put(fields, both[0], kind, entries[name], place) is not None:
                    fields[both[-1]] = fields[both[0]]
        for direction in DIRECTIONS:
            if direction in entries:
                self.direction(fields, direction, entries[direction], f"{key}.{direction}", sided, next(iter(sided)))
        for name in ("on_failure", "required", "except"):
            if name in entries:
                self.put(fields, STORED.get(name, name), COMMON[name].kind, entries[name], f"{key}.{name}")
        if "mask" in entries:
            mask = self.mask(entries["mask"], f"{key}.mask")
            if mask is not None:
                fields["mask"] = Value(mask, entries["mask"].at)
                acts = {"action", "input", "enabled"}
                # A rule of its own action below a section's mask is no mistake; nothing of it is restored.
                if mask.restore and acts & entries.keys() and ("mask" in own or not acts & own.keys()):
                    self.masks_input(draft)

    def direction(  # noqa: PLR0917 - where, and what may be said there
        self, fields: dict[str, Value], direction: str, node: Node, key: str, sided: Mapping[str, Kind], bare: str
    ) -> None:
        """One direction of a rule: the setting ``bare``, or an object."""
        entries = {bare: node}
        if isinstance(node.value, dict):
            entries = self.reader.mapping(node, key, tuple(sided))
        for name, child in entries.items():
            self.put(fields, f"{direction}_{name}", sided[name], child, key if child is node else f"{key}.{name}")

    def masks_input(self, draft: Draft) -> None:
        """Only what was masked on the way in can be put back on the way out."""
        action = draft.action("input")
        if action is not RuleAction.MASK:
            self.reader.report(
                "restore-without-mask", f"{draft.id} restores what it never masks: its input is not masked",
                draft.place("input_action", "input_enabled", "action", "enabled", "mask"), draft.key,
                written=f"input: {action or 'disabled'}", allowed="mask",
                remedy="write input: mask, or remove restore",
            )  # fmt: skip

    def mask(self, node: Node, key: str) -> Mask | None:
        """A mask style with its options, None after a problem."""
        reader = self.reader
        if isinstance(node.value, str):
            node = Node({"style": node}, node.at, keys={"style": node.at})
        entries = reader.mapping(node, key, ("key", *MASK.fields))
        if "key" in entries:
            reader.report(
                "key-in-policy", "a hash key must not stand in a policy", entries["key"].at, f"{key}.key",
                remedy="name an environment variable with key_env, or a file with key_file",
            )  # fmt: skip
            return None
        if "style" not in entries:
            if entries:
                reader.report("missing-key", f"{key}.style is missing", node.at, key, allowed=", ".join(STYLE.names))
            return None
        values = {name: read(MASK.fields[name], reader, child, f"{key}.{name}") for name, child in entries.items()}
        style: MaskStyle | None = values["style"]
        if style is None:
            return None
        needs = _NEEDS.get(style, ())
        if needs and not any(n in entries for n in needs):
            reader.report(
                "mask-option-missing", f"a {style} mask needs {' or '.join(needs)}", node.at, key,
                remedy=f"write mask: {{style: {style}, {needs[0]}: …}}",
            )  # fmt: skip
            return None
        restore = self.restores(entries, bool(values.get("restore")), style, key)
        uses = _USES.get(style, ())
        for option in entries:
            if option not in ("style", "restore", "restore_in", *uses):
                reader.report(
                    "mask-option-unused", f"a {style} mask has no option {option}", entries[option].at,
                    f"{key}.{option}",
                    allowed=", ".join(uses) or "none", remedy="remove it",
                )  # fmt: skip
        named, path = values.get("key_file"), None
        if named is not None and reader.resolve is not None:
            # Relative to the policy, and inside its root, like every other file that a policy names.
            path = reader.resolve(named, entries["key_file"].at, f"{key}.key_file")
            if path is None:
                return None
        keep = values.get("keep")
        spots = {v.value for v in values.get("restore_in") or ()}
        return Mask(
            style, 4 if keep is None else keep, values.get("text"), values.get("key_env"), named, restore,
            tuple(p for p in RESTORE_IN if p in spots), None if path is None else str(path),
        )  # fmt: skip

    def restores(self, entries: dict[str, Node], restore: bool, style: str, key: str) -> bool:
        """Whether a mask of this style restores what it masked."""
        if restore and style != MaskStyle.NUMBERED:
            self.reader.report(
                "restore-without-number", f"a {style} mask does not say which value it stands for", entries["restore"].at,
                f"{key}.restore", written=f"style: {style}", allowed="style: numbered",
                remedy="write mask: {style: numbered, restore: true}",
            )  # fmt: skip
            return False
        if "restore_in" in entries and not restore:
            self.reader.report(
                "mask-option-unused", "restore_in says where else a value is restored; this mask restores nothing",
                entries["restore_in"].at, f"{key}.restore_in", remedy="add restore: true, or remove it",
            )  # fmt: skip
        return restore

    def draft(self, id_: str, detector: str, type_: str, at: Position, key: str, section: Section) -> Draft:  # noqa: PLR0917
        """A new rule; its id must be free."""
        existing = self.out.drafts.get(id_)
        if existing is not None:
            self.reader.report(
                "duplicate-rule", f"the rule {id_!r} is given twice", at, key, written=id_,
                remedy=f"give one of them an id of its own; the first is in line {existing.at.line}",
            )  # fmt: skip
        draft = Draft(id_, detector, type_, at, key, section)
        self.out.drafts[id_] = draft
        return draft

    def short(self, node: Node | None, key: str, allowed: tuple[str, ...], bare: str = "action") -> dict[str, Node]:
        """A rule's entries; a bare value is its setting ``bare``."""
        if node is None:
            return {}
        if isinstance(node.value, dict):
            return self.reader.mapping(node, key, allowed)
        return {bare: node}

    def needed(self, node: Node, entries: dict[str, Node], name: str, key: str) -> str | None:
        """A text that must be there."""
        if name not in entries:
            if isinstance(node.value, dict):
                self.reader.report("missing-key", f"{key}.{name} is missing", node.at, key, remedy=f"add {name}: …")
            return None
        return self.reader.text(entries[name], f"{key}.{name}")

    def identifier(self, entries: dict[str, Node], key: str) -> str | None:
        """A rule's own id, None without one."""
        if "id" not in entries:
            return None
        text = self.reader.text(entries["id"], f"{key}.id")
        if text is not None and not ID.fullmatch(text):
            self.reader.report(
                "bad-id", "this is not a rule's id", entries["id"].at, f"{key}.id", written=text,
                allowed="1 to 100 letters, digits, '.', '-' and '_'",
            )  # fmt: skip
            return None
        return text

    def put(self, fields: dict[str, Value], name: str, kind: Kind, node: Node, key: str) -> Any:
        """Read a value of that kind into ``fields``, unless there is a problem with it."""
        value = read(kind, self.reader, node, key)
        if value is not None:
            fields[name] = Value(value, node.at)
        return value
