"""The settings that every rule has, and the names of the format. The JSON Schema is made from the same names."""

from __future__ import annotations

import re
from types import UnionType
from typing import Any, Union, get_args, get_origin

from guardrails import catalog
from guardrails.policy.drafts import Document, Draft, Value
from guardrails.policy.files import Lists
from guardrails.policy.reader import Reader
from guardrails.policy.source import Node
from guardrails.rules import RESTORE_IN, Mask, MaskStyle, Position
from guardrails.types import OnFailure, RuleAction, Uninspected, UnsupportedLanguage

__all__ = ["COMMON", "DIRECTION", "LIMITS", "MASK", "TOP", "Fields"]

TOP = (
    "version", "name", "description", "metadata", "extends", "on_failure", "unsupported_language", "uninspected",
    "conversation", "stream", "messages", "limits", "content", "topics", "words", "pii", "grounding", "relevance", "rules", "enforced", "bedrock",
)  # fmt: skip
COMMON = ("action", "input", "output", "enabled", "on_failure", "required", "except", "mask", "message")
DIRECTION = ("action", "enabled", "message")
MASK = ("style", "keep", "text", "key_env", "key_file", "restore", "restore_in")
LIMITS = {"max_characters": (1, 100_000_000), "deadline_ms": (1, 600_000), "max_pieces": (1, 1_000_000)}
MESSAGES = ("blocked_input", "blocked_output")
CONTENT_KEYS = ("strength", *COMMON)
TOPIC_KEYS = ("name", "definition", "examples", "not_examples", "threshold", "id", *COMMON)
WORDS_KEYS = ("terms", "lists", "managed", *COMMON)
TERM_KEYS = ("term", "terms", "id", *COMMON)
LIST_KEYS = ("file", "id", *COMMON)
PII_KEYS = ("countries", "entities", "regexes")
ENTITY_KEYS = ("min_score", *COMMON)
REGEX_KEYS = ("name", "pattern", "description", "id", *COMMON)
GROUNDING_KEYS = ("threshold", "sources", *COMMON)
RELEVANCE_KEYS = ("threshold", *COMMON)
SOURCES = ("tool", "document", "marked", "system", "user", "assistant")
SOURCE_KEYS = ("after", "before")
RULE_KEYS = ("id", "detector", "type", "settings", *COMMON)

ACTIONS = tuple(a.value for a in RuleAction)
FAILURES = tuple(a.value for a in OnFailure)
LANGUAGES = tuple(a.value for a in UnsupportedLanguage)
UNINSPECTED = tuple(a.value for a in Uninspected)
STYLES = tuple(s.value for s in MaskStyle)
COUNTRIES = tuple(sorted({c for c in catalog.COUNTRY_OF.values() if c}))

NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")
SLUG = re.compile(r"[^a-z0-9]+")
# Detectors with a section of their own; `rules:` is for the others.
OWN_SECTION = {
    "words": "words", "regex": "pii.regexes", "pii": "pii.entities", "content": "content", "topics": "topics",
    "grounding": "grounding or relevance",
}  # fmt: skip


class Fields:
    """Reads what all rules have in common into drafts."""

    def __init__(self, reader: Reader, lists: Lists) -> None:
        self.reader = reader
        self.lists = lists
        self.out = Document()

    def common(
        self,
        draft: Draft,
        own: dict[str, Node],
        key: str,
        *,
        base: dict[str, Node] | None = None,
        strengths: bool = False,
    ) -> None:
        """The settings every rule has, into the draft; ``base`` holds what its section says for all of its rules."""
        reader, fields = self.reader, draft.fields
        entries = {**(base or {}), **own}
        if "action" in entries:
            self._set(
                fields, "action", self._enum(entries["action"], f"{key}.action", ACTIONS, RuleAction, "unknown-action")
            )
        if "message" in entries:
            message = self._value(reader.text(entries["message"], f"{key}.message"), entries["message"])
            for direction in ("input", "output"):
                self._set(fields, f"{direction}_message", message)
        for direction in ("input", "output"):
            if direction in entries:
                self.direction(draft, direction, entries[direction], f"{key}.{direction}", strengths)
        if "enabled" in entries:
            self._set(
                fields, "enabled", self._value(reader.flag(entries["enabled"], f"{key}.enabled"), entries["enabled"])
            )
        if "on_failure" in entries:
            self._set(fields, "on_failure", self._enum(entries["on_failure"], f"{key}.on_failure", FAILURES, OnFailure))
        if "required" in entries:
            self._set(
                fields,
                "required",
                self._value(reader.flag(entries["required"], f"{key}.required"), entries["required"]),
            )
        if "except" in entries:
            node = entries["except"]
            values = [
                (reader.word(n, f"{key}.except[{i}]"), n) for i, n in enumerate(reader.items(node, f"{key}.except"))
            ]
            fields["exceptions"] = Value(tuple(Value(v, n.at) for v, n in values if v is not None), node.at)
        if "mask" in entries:
            mask = self.mask(entries["mask"], f"{key}.mask")
            if mask is not None:
                fields["mask"] = Value(mask, entries["mask"].at)
                acts = {"action", "input", "enabled"}
                # A rule of its own action below a section's mask is no mistake; nothing of it is restored.
                if mask.restore and acts & entries.keys() and ("mask" in own or not acts & own.keys()):
                    self.masks_input(draft)

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

    def direction(self, draft: Draft, direction: str, node: Node, key: str, strengths: bool) -> None:
        """One direction of a rule: an action, a strength, or an object."""
        fields = draft.fields
        if isinstance(node.value, dict):
            entries = self.reader.mapping(node, key, ("strength", *DIRECTION) if strengths else DIRECTION)
            if "strength" in entries:
                self._set(fields, f"{direction}_strength", self._strength(entries["strength"], f"{key}.strength"))
            if "action" in entries:
                action = self._enum(entries["action"], f"{key}.action", ACTIONS, RuleAction, "unknown-action")
                self._set(fields, f"{direction}_action", action)
            if "enabled" in entries:
                flag = self._value(self.reader.flag(entries["enabled"], f"{key}.enabled"), entries["enabled"])
                self._set(fields, f"{direction}_enabled", flag)
            if "message" in entries:
                message = self._value(self.reader.text(entries["message"], f"{key}.message"), entries["message"])
                self._set(fields, f"{direction}_message", message)
        elif strengths:
            self._set(fields, f"{direction}_strength", self._strength(node, key))
        else:
            self._set(fields, f"{direction}_action", self._enum(node, key, ACTIONS, RuleAction, "unknown-action"))

    def mask(self, node: Node, key: str) -> Mask | None:
        """A mask style with its options, None after a problem."""
        reader = self.reader
        if isinstance(node.value, str):
            node = Node({"style": node}, node.at, keys={"style": node.at})
        entries = reader.mapping(node, key, ("key", *MASK))
        if "key" in entries:
            reader.report(
                "key-in-policy", "a hash key must not stand in a policy", entries["key"].at, f"{key}.key",
                remedy="name an environment variable with key_env, or a file with key_file",
            )  # fmt: skip
            return None
        if "style" not in entries:
            if entries:
                reader.report("missing-key", f"{key}.style is missing", node.at, key, allowed=", ".join(STYLES))
            return None
        style = reader.choice(entries["style"], f"{key}.style", STYLES, "unknown-mask")
        if style is None:
            return None
        keep = reader.number(entries["keep"], f"{key}.keep", 0, 64, whole=True) if "keep" in entries else 4
        text = entries["text"].raw if "text" in entries else None
        names = {k: reader.text(entries[k], f"{key}.{k}") for k in ("key_env", "key_file") if k in entries}
        needs = {"constant": ("text",), "hash": ("key_env", "key_file")}.get(style, ())
        if needs and not any(n in entries for n in needs):
            reader.report(
                "mask-option-missing", f"a {style} mask needs {' or '.join(needs)}", node.at, key,
                remedy=f"write mask: {{style: {style}, {needs[0]}: …}}",
            )  # fmt: skip
            return None
        restore, places = self.restoring(entries, style, key)
        uses = {"partial": ("keep",), "constant": ("text",), "hash": ("key_env", "key_file")}.get(style, ())
        for option in entries:
            if option not in ("style", "restore", "restore_in", *uses):
                reader.report(
                    "mask-option-unused", f"a {style} mask has no option {option}", entries[option].at,
                    f"{key}.{option}",
                    allowed=", ".join(uses) or "none", remedy="remove it",
                )  # fmt: skip
        keep = 4 if keep is None else int(keep)
        path = None
        if (named := names.get("key_file")) is not None and reader.resolve is not None:
            # Relative to the policy, and inside its root, like every other file that a policy names.
            path = reader.resolve(named, entries["key_file"].at, f"{key}.key_file")
            if path is None:
                return None
        return Mask(
            MaskStyle(style),
            keep,
            text,
            names.get("key_env"),
            named,
            restore,
            places,
            None if path is None else str(path),
        )

    def restoring(self, entries: dict[str, Node], style: str, key: str) -> tuple[bool, tuple[str, ...]]:
        """``restore`` and ``restore_in``."""
        reader, places = self.reader, []
        restore = bool(reader.flag(entries["restore"], f"{key}.restore")) if "restore" in entries else False
        if restore and style != MaskStyle.NUMBERED:
            reader.report(
                "restore-without-number", f"a {style} mask does not say which value it stands for", entries["restore"].at,
                f"{key}.restore", written=f"style: {style}", allowed="style: numbered",
                remedy="write mask: {style: numbered, restore: true}",
            )  # fmt: skip
            return False, ()
        if "restore_in" in entries:
            node = entries["restore_in"]
            for i, child in enumerate(reader.items(node, f"{key}.restore_in")):
                place = reader.choice(child, f"{key}.restore_in[{i}]", RESTORE_IN)
                if place is not None:
                    places.append(place)
            if not restore:
                reader.report(
                    "mask-option-unused", "restore_in says where else a value is restored; this mask restores nothing",
                    node.at, f"{key}.restore_in", remedy="add restore: true, or remove it",
                )  # fmt: skip
        return restore, tuple(p for p in RESTORE_IN if p in places)

    def draft(self, id_: str, detector: str, type_: str, at: Position, key: str) -> Draft:
        """A new rule; its id must be free."""
        existing = self.out.drafts.get(id_)
        if existing is not None:
            self.reader.report(
                "duplicate-rule", f"the rule {id_!r} is given twice", at, key, written=id_,
                remedy=f"give one of them an id of its own; the first is in line {existing.at.line}",
            )  # fmt: skip
        draft = Draft(id_, detector, type_, at, key)
        self.out.drafts[id_] = draft
        return draft

    def short(self, node: Node | None, key: str, allowed: tuple[str, ...]) -> dict[str, Node]:
        """A rule's entries; a bare string is its action."""
        if node is None:
            return {}
        if isinstance(node.value, dict):
            return self.reader.mapping(node, key, allowed)
        return {"action": node}

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

    def _strength(self, node: Node, key: str) -> Value | None:
        return self._value(self.reader.choice(node, key, catalog.STRENGTHS, "unknown-strength"), node)

    def _enum(
        self, node: Node, key: str, allowed: tuple[str, ...], kind: type[Any], code: str = "unknown-value"
    ) -> Value | None:
        name = self.reader.choice(node, key, allowed, code)
        return None if name is None else Value(kind(name), node.at)

    @staticmethod
    def _value(value: Any, node: Node) -> Value | None:
        return None if value is None else Value(value, node.at)

    @staticmethod
    def _set(fields: dict[str, Value], name: str, value: Value | None) -> None:
        if value is not None:
            fields[name] = value


TYPE_NAMES: dict[type, str] = {
    str: "a string", int: "a whole number", float: "a number", bool: "true or false", tuple: "a list",
    dict: "a mapping",
    type(None): "null",
}  # fmt: skip


def types_of(hint: Any) -> tuple[type, ...]:
    """The plain types behind an annotation; empty when it says something that this reader does not know."""
    if get_origin(hint) in (Union, UnionType):
        parts = [types_of(part) for part in get_args(hint)]
        return tuple(dict.fromkeys(t for p in parts for t in p)) if all(parts) else ()
    plain_type = get_origin(hint) or hint
    if plain_type is float:
        return (float, int)
    return (plain_type,) if plain_type in TYPE_NAMES else ()
