"""The sections of a policy file, each read into drafts. The names here are the format; the JSON Schema uses them too."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from guardrails import catalog, detectors
from guardrails.policy.drafts import Document, Draft, Value
from guardrails.policy.files import Lists
from guardrails.policy.reader import Reader
from guardrails.policy.source import Node, plain
from guardrails.rules import Mask, MaskStyle, Position
from guardrails.types import OnFailure, RuleAction

__all__ = ["COMMON", "DIRECTION", "LIMITS", "MASK", "TOP", "read"]

TOP = (
    "version", "name", "description", "metadata", "extends", "on_failure", "messages", "limits", "content", "topics",
    "words", "pii", "grounding", "relevance", "rules", "enforced", "bedrock",
)  # fmt: skip
COMMON = ("action", "input", "output", "enabled", "on_failure", "required", "except", "mask")
DIRECTION = ("action", "enabled")
MASK = ("style", "keep", "text", "key_env", "key_file")
LIMITS = {"max_characters": (1, 100_000_000), "deadline_ms": (1, 600_000), "max_pieces": (1, 1_000_000)}
MESSAGES = ("blocked_input", "blocked_output")
CONTENT_KEYS = ("strength", *COMMON)
TOPIC_KEYS = ("name", "definition", "examples", "id", *COMMON)
WORDS_KEYS = ("terms", "lists", "managed", *COMMON)
TERM_KEYS = ("term", "terms", "id", *COMMON)
LIST_KEYS = ("file", "id", *COMMON)
PII_KEYS = ("countries", "entities", "regexes")
ENTITY_KEYS = ("min_score", *COMMON)
REGEX_KEYS = ("name", "pattern", "description", "id", *COMMON)
GROUNDING_KEYS = ("threshold", *COMMON)
RULE_KEYS = ("id", "detector", "type", "settings", *COMMON)

ACTIONS = tuple(a.value for a in RuleAction)
FAILURES = tuple(a.value for a in OnFailure)
STYLES = tuple(s.value for s in MaskStyle)
COUNTRIES = tuple(sorted({c for c in catalog.COUNTRY_OF.values() if c}))

_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_SLUG = re.compile(r"[^a-z0-9]+")


def read(node: Node, reader: Reader, lists: Lists) -> Document:
    """What the file says. Problems go to the reader."""
    return _Sections(reader, lists).document(node)


class _Sections:
    def __init__(self, reader: Reader, lists: Lists) -> None:
        self.reader = reader
        self.lists = lists
        self.out = Document()

    def document(self, node: Node) -> Document:
        top = self.reader.mapping(node, "", TOP)
        if not isinstance(node.value, dict):
            return self.out
        self.head(node, top)
        readers: dict[str, Callable[[Node], None]] = {
            "content": self.content, "topics": self.topics, "words": self.words, "pii": self.pii, "rules": self.rules,
        }  # fmt: skip
        for section, read_section in readers.items():
            if section in top:
                read_section(top[section])
        for section in ("grounding", "relevance"):
            if section in top:
                self.grounding(section, top[section])
        return self.out

    def head(self, node: Node, top: dict[str, Node]) -> None:
        reader, out = self.reader, self.out
        for required in ("version", "name"):
            if required not in top:
                reader.report(
                    "missing-key", f"the key {required} is missing", node.at, required, remedy=f"add {required}: …"
                )
        if "version" in top and (top["version"].value != 1 or isinstance(top["version"].value, bool | float)):
            version = top["version"]
            reader.report(
                "unknown-version", "this version of the format is not known", version.at, "version",
                written=str(version.raw), allowed="1", remedy="write version: 1",
            )  # fmt: skip
        if "name" in top:
            name = reader.text(top["name"], "name")
            if name is not None and not _NAME.fullmatch(name):
                reader.report(
                    "bad-name", "this is not a policy's name", top["name"].at, "name", written=name,
                    allowed="1 to 50 letters, digits, - and _",
                )  # fmt: skip
            out.name = Value(name or "?", top["name"].at)
        if "description" in top:
            out.description = self._value(reader.text(top["description"], "description"), top["description"])
        if "on_failure" in top:
            out.on_failure = self._enum(top["on_failure"], "on_failure", FAILURES, OnFailure)
        if "metadata" in top:
            for key, child in reader.mapping(top["metadata"], "metadata").items():
                if key == "owner":
                    out.metadata[key] = Value(reader.text(child, "metadata.owner"), child.at)
                else:
                    out.metadata[key] = Value(plain(child), child.at)
        if "messages" in top:
            for key, child in reader.mapping(top["messages"], "messages", MESSAGES).items():
                text = reader.text(child, f"messages.{key}")
                if text is not None:
                    out.messages[key] = Value(text, child.at)
        if "limits" in top:
            for key, child in reader.mapping(top["limits"], "limits", tuple(LIMITS)).items():
                number = reader.number(child, f"limits.{key}", *LIMITS[key], whole=True)
                if number is not None:
                    out.limits[key] = Value(int(number), child.at)
        if "bedrock" in top and reader.mapping(top["bedrock"], "bedrock") is not None:
            out.bedrock = Value(plain(top["bedrock"]), top["bedrock"].at)
        for key, target in (("extends", out.extends), ("enforced", out.enforced)):
            if key in top:
                nodes = top[key].value if isinstance(top[key].value, list) else [top[key]]
                for i, child in enumerate(nodes):
                    text = reader.text(child, key if len(nodes) == 1 else f"{key}[{i}]")
                    if text is not None:
                        target.append(Value(text, child.at))

    # The settings every rule has.

    def common(self, draft: Draft, entries: dict[str, Node], key: str, *, strengths: bool = False) -> None:
        reader, fields = self.reader, draft.fields
        if "action" in entries:
            self._set(
                fields, "action", self._enum(entries["action"], f"{key}.action", ACTIONS, RuleAction, "unknown-action")
            )
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

    def direction(self, draft: Draft, direction: str, node: Node, key: str, strengths: bool) -> None:
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
        elif strengths:
            self._set(fields, f"{direction}_strength", self._strength(node, key))
        else:
            self._set(fields, f"{direction}_action", self._enum(node, key, ACTIONS, RuleAction, "unknown-action"))

    def mask(self, node: Node, key: str) -> Mask | None:
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
        uses = {"partial": ("keep",), **{"constant": ("text",), "hash": ("key_env", "key_file")}}.get(style, ())
        for option in entries:
            if option != "style" and option not in uses:
                reader.report(
                    "mask-option-unused", f"a {style} mask has no option {option}", entries[option].at, f"{key}.{option}",
                    allowed=", ".join(uses) or "none", remedy="remove it",
                )  # fmt: skip
        return Mask(
            MaskStyle(style), int(keep if keep is not None else 4), text, names.get("key_env"), names.get("key_file")
        )

    # Sections.

    def content(self, node: Node) -> None:
        for name, child in self.reader.mapping(node, "content").items():
            key = f"content.{name}"
            if name not in catalog.CONTENT:
                self.reader.unknown(
                    "unknown-category", "is no content filter", name, node.keys[name], key, catalog.CONTENT
                )
                continue
            draft = self.draft(key, "content", name, node.keys[name], key)
            if isinstance(child.value, dict):
                entries = self.reader.mapping(child, key, CONTENT_KEYS)
                if "strength" in entries:
                    strength = self._strength(entries["strength"], f"{key}.strength")
                    for direction in ("input", "output"):
                        self._set(draft.fields, f"{direction}_strength", strength)
                self.common(draft, entries, key, strengths=True)
            else:
                strength = self._strength(child, key)
                for direction in ("input", "output"):
                    self._set(draft.fields, f"{direction}_strength", strength)

    def topics(self, node: Node) -> None:
        for i, child in enumerate(self.reader.items(node, "topics")):
            key = f"topics[{i}]"
            entries = self.reader.mapping(child, key, TOPIC_KEYS)
            name = self.needed(child, entries, "name", key)
            definition = self.needed(child, entries, "definition", key)
            if name is None:
                continue
            draft = self.draft(self.identifier(entries, key) or f"topic.{name}", "topics", name, child.at, key)
            if definition is not None:
                draft.fields["definition"] = Value(definition, entries["definition"].at)
            if "examples" in entries:
                examples = self.reader.items(entries["examples"], f"{key}.examples")
                read_examples = [(self.reader.text(n, f"{key}.examples[{j}]"), n) for j, n in enumerate(examples)]
                values = tuple(Value(v, n.at) for v, n in read_examples if v is not None)
                draft.fields["examples"] = Value(values, entries["examples"].at)
            self.common(draft, entries, key)

    def words(self, node: Node) -> None:
        reader = self.reader
        entries = reader.mapping(node, "words", WORDS_KEYS)
        base = {k: v for k, v in entries.items() if k in COMMON}
        if "terms" in entries:
            plain_terms: list[Value] = []
            for i, child in enumerate(reader.items(entries["terms"], "words.terms")):
                key = f"words.terms[{i}]"
                if isinstance(child.value, dict):
                    self.term(child, key, i, base)
                else:
                    text = reader.word(child, key)
                    if text is not None and self.check_term(text, child, key):
                        plain_terms.append(Value(text, child.at))
            if plain_terms:
                draft = self.draft("words.terms", "words", "WORD", entries["terms"].at, "words.terms")
                draft.fields["terms"] = Value(tuple(plain_terms), entries["terms"].at)
                self.common(draft, base, "words")
        if "lists" in entries:
            for i, child in enumerate(reader.items(entries["lists"], "words.lists")):
                self.word_list(child, f"words.lists[{i}]", base)
        if "managed" in entries:
            self.managed(entries["managed"], base)

    def term(self, child: Node, key: str, index: int, base: dict[str, Node]) -> None:
        entries = self.reader.mapping(child, key, TERM_KEYS)
        nodes = [entries["term"]] if "term" in entries else []
        if "terms" in entries:
            nodes += self.reader.items(entries["terms"], f"{key}.terms")
        terms = []
        for n in nodes:
            text = self.reader.word(n, f"{key}.term")
            if text is not None and self.check_term(text, n, f"{key}.term"):
                terms.append(Value(text, n.at))
        if not terms:
            if not nodes:
                self.reader.report("missing-key", f"{key}.term is missing", child.at, key, remedy="add term: …")
            return
        slug = _SLUG.sub("-", terms[0].value.lower()).strip("-") or str(index + 1)
        name = self.identifier(entries, key) or slug
        draft = self.draft(f"words.{name.removeprefix('words.')}", "words", "WORD", child.at, key)
        draft.fields["terms"] = Value(tuple(terms), child.at)
        self.common(draft, {**base, **entries}, key)

    def check_term(self, text: str, node: Node, key: str) -> bool:
        if not any(c.isalnum() for c in text) and not text.replace("\\*", "x").strip("* \t\n"):
            self.reader.report(
                "empty-term",
                f"{key} would match everything",
                node.at,
                key,
                written=text,
                remedy="name a word between the stars",
            )
            return False
        return True

    def word_list(self, child: Node, key: str, base: dict[str, Node]) -> None:
        if isinstance(child.value, str):
            child = Node({"file": child}, child.at, keys={"file": child.at})
        entries = self.reader.mapping(child, key, LIST_KEYS)
        path = self.needed(child, entries, "file", key)
        if path is None:
            return
        loaded = self.lists(path, entries["file"].at, f"{key}.file")
        name = self.identifier(entries, key) or _SLUG.sub("-", path.rsplit("/", 1)[-1].rsplit(".", 1)[0].lower()).strip(
            "-"
        )
        draft = self.draft(f"words.{name.removeprefix('words.')}", "words", "WORD", child.at, key)
        if loaded is not None:
            draft.fields["lists"] = Value((Value(loaded, entries["file"].at),), entries["file"].at)
        self.common(draft, {**base, **entries}, key)

    def managed(self, node: Node, base: dict[str, Node]) -> None:
        names: list[tuple[str, Position, Node | None]]
        if isinstance(node.value, dict):
            names = [(name, node.keys[name], child) for name, child in node.value.items()]
        else:
            nodes = node.value if isinstance(node.value, list) else [node]
            names = [(str(n.raw), n.at, None) for n in nodes]
        for name, at, child in names:
            key = f"words.managed.{name}"
            if name not in catalog.MANAGED_LISTS:
                self.reader.unknown("unknown-list", "is no managed word list", name, at, key, catalog.MANAGED_LISTS)
                continue
            draft = self.draft(f"words.{name}", "words", name, at, key)
            draft.fields["managed"] = Value((Value(name, at),), at)
            self.common(draft, {**base, **self.short(child, key, COMMON)}, key)

    def pii(self, node: Node) -> None:
        reader = self.reader
        entries = reader.mapping(node, "pii", PII_KEYS)
        if "countries" in entries:
            known = []
            for i, child in enumerate(reader.items(entries["countries"], "pii.countries")):
                name = reader.choice(child, f"pii.countries[{i}]", COUNTRIES, "unknown-country")
                if name is not None:
                    known.append(name)
            self.out.countries = Value(tuple(known), entries["countries"].at)
        if "entities" in entries:
            section = entries["entities"]
            if isinstance(section.value, list):
                reader.wrong_type(section, "pii.entities", "a mapping", "write EMAIL: mask, one type a line")
                return
            for name, child in reader.mapping(section, "pii.entities").items():
                self.entity(name, child, section.keys[name])
        if "regexes" in entries:
            for i, child in enumerate(reader.items(entries["regexes"], "pii.regexes")):
                self.regex(child, f"pii.regexes[{i}]")

    def entity(self, name: str, child: Node, at: Position) -> None:
        key = f"pii.entities.{name}"
        if name != "ALL" and name not in catalog.PII:
            self.reader.unknown("unknown-entity", "is no PII type", name, at, key, catalog.PII)
            return
        entries = self.short(child, key, ENTITY_KEYS)
        draft = Draft(f"pii.{name}", "pii", name, at, key)
        if name == "ALL":
            self.out.pii_all = draft
        else:
            draft = self.draft(f"pii.{name}", "pii", name, at, key)
        if "min_score" in entries:
            score = self.reader.number(entries["min_score"], f"{key}.min_score", 0, 1)
            self._set(draft.fields, "min_score", self._value(score, entries["min_score"]))
        self.common(draft, entries, key)
        if not {"action", "input", "output", "enabled"} & entries.keys() and isinstance(child.value, dict):
            self.reader.report(
                "missing-key",
                f"{key} does not say what to do",
                child.at,
                key,
                allowed=", ".join(ACTIONS),
                remedy="add action: …",
            )

    def regex(self, child: Node, key: str) -> None:
        entries = self.reader.mapping(child, key, REGEX_KEYS)
        name = self.needed(child, entries, "name", key)
        pattern = self.needed(child, entries, "pattern", key)
        if name is None:
            return
        draft = self.draft(self.identifier(entries, key) or f"regex.{name}", "regex", name, child.at, key)
        if pattern is not None:
            draft.fields["pattern"] = Value(pattern, entries["pattern"].at)
            from guardrails.detectors import regex  # noqa: PLC0415 - only policies with regexes load RE2

            wrong = regex.check_pattern(pattern)
            if wrong is not None:
                self.reader.report(
                    "regex-refused", f"this pattern cannot be used: {wrong.reason}", entries["pattern"].at,
                    f"{key}.pattern", written=pattern, remedy=wrong.remedy,
                )  # fmt: skip
        if "description" in entries:
            text = self.reader.text(entries["description"], f"{key}.description")
            self._set(draft.fields, "description", self._value(text, entries["description"]))
        self.common(draft, entries, key)

    def grounding(self, section: str, node: Node) -> None:
        if not isinstance(node.value, dict):
            node = Node({"threshold": node}, node.at, keys={"threshold": node.at})
        entries = self.reader.mapping(node, section, GROUNDING_KEYS)
        draft = self.draft(section, "grounding", section.upper(), node.at, section)
        if "threshold" in entries:
            threshold = self.reader.number(entries["threshold"], f"{section}.threshold", 0, 0.99)
            self._set(draft.fields, "threshold", self._value(threshold, entries["threshold"]))
        else:
            self.reader.report("missing-key", f"{section}.threshold is missing", node.at, section, allowed="0 to 0.99")
        self.common(draft, entries, section)

    def rules(self, node: Node) -> None:
        for i, child in enumerate(self.reader.items(node, "rules")):
            key = f"rules[{i}]"
            entries = self.reader.mapping(child, key, RULE_KEYS)
            name = self.identifier(entries, key)
            detector = self.needed(child, entries, "detector", key)
            if detector is not None and detector not in detectors.DETECTORS:
                self.reader.unknown(
                    "unknown-detector", "is no detector", detector, entries["detector"].at, f"{key}.detector",
                    tuple(detectors.DETECTORS),
                )  # fmt: skip
                continue
            if name is None:
                if "id" not in entries:
                    self.reader.report("missing-key", f"{key}.id is missing", child.at, key, remedy="add id: …")
                continue
            if detector is None:
                continue
            type_ = self.reader.text(entries["type"], f"{key}.type") if "type" in entries else None
            draft = self.draft(name, detector, type_ or _SLUG.sub("_", name.lower()).upper(), child.at, key)
            settings = self.settings(detector, entries.get("settings"), key, child.at)
            if settings is not None:
                draft.fields["settings"] = Value(
                    settings, entries["settings"].at if "settings" in entries else child.at
                )
            self.common(draft, entries, key)

    def settings(self, detector: str, node: Node | None, key: str, at: Position) -> Any:
        """The detector's own Settings from the mapping, checked against its fields."""
        kind = detectors.module(detector).Settings
        fields = {f.name: f for f in dataclasses.fields(kind)}
        entries = self.reader.mapping(node, f"{key}.settings", tuple(fields)) if node is not None else {}
        values = {k: tuple(v) if isinstance(v := plain(n), list) else v for k, n in entries.items()}
        try:
            return kind(**values)
        except (TypeError, ValueError) as error:
            self.reader.report(
                "bad-settings", f"the settings of {detector} are refused: {error}", at, f"{key}.settings"
            )
            return None

    # Helpers.

    def draft(self, id_: str, detector: str, type_: str, at: Position, key: str) -> Draft:
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
        if name not in entries:
            if isinstance(node.value, dict):
                self.reader.report("missing-key", f"{key}.{name} is missing", node.at, key, remedy=f"add {name}: …")
            return None
        return self.reader.text(entries[name], f"{key}.{name}")

    def identifier(self, entries: dict[str, Node], key: str) -> str | None:
        if "id" not in entries:
            return None
        text = self.reader.text(entries["id"], f"{key}.id")
        if text is not None and not _ID.fullmatch(text):
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
