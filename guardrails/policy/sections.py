"""The sections of a policy file, each read into drafts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, get_type_hints

from guardrails import catalog, detectors
from guardrails.policy.drafts import Document, Draft, Value
from guardrails.policy.fields import (
    ACTIONS,
    COMMON,
    CONTENT_KEYS,
    COUNTRIES,
    ENTITY_KEYS,
    FAILURES,
    GROUNDING_KEYS,
    LANGUAGES,
    LIMITS,
    LIST_KEYS,
    MESSAGES,
    NAME,
    OWN_SECTION,
    PII_KEYS,
    REGEX_KEYS,
    RELEVANCE_KEYS,
    RULE_KEYS,
    SLUG,
    SOURCE_KEYS,
    SOURCES,
    TERM_KEYS,
    TOP,
    TOPIC_KEYS,
    TYPE_NAMES,
    UNINSPECTED,
    WORDS_KEYS,
    Fields,
    types_of,
)  # fmt: skip
from guardrails.policy.files import Lists
from guardrails.policy.hints import shape
from guardrails.policy.reader import Reader
from guardrails.policy.source import Node, plain
from guardrails.policy.turns import read_turns
from guardrails.rules import Position
from guardrails.types import OnFailure, Uninspected, UnsupportedLanguage

__all__ = ["read"]


def read(node: Node, reader: Reader, lists: Lists) -> Document:
    """What the file says. Problems go to the reader."""
    return _Sections(reader, lists).document(node)


class _Sections(Fields):
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
                written=version.kind if version.raw is None else f"{version.raw} ({version.kind})", allowed="1 (a number)",
                remedy="write version: 1, without quotes",
            )  # fmt: skip
        if "name" in top:
            name = reader.text(top["name"], "name")
            if name is not None and not NAME.fullmatch(name):
                reader.report(
                    "bad-name", "this is not a policy's name", top["name"].at, "name", written=name,
                    allowed="1 to 50 letters, digits, - and _",
                )  # fmt: skip
            out.name = Value(name or "?", top["name"].at)
        if "description" in top:
            out.description = self._value(reader.text(top["description"], "description"), top["description"])
        if "on_failure" in top:
            out.on_failure = self._enum(top["on_failure"], "on_failure", FAILURES, OnFailure)
        if "unsupported_language" in top:
            out.unsupported_language = self._enum(
                top["unsupported_language"], "unsupported_language", LANGUAGES, UnsupportedLanguage
            )
        if "uninspected" in top:
            out.uninspected = self._enum(top["uninspected"], "uninspected", UNINSPECTED, Uninspected)
        read_turns(reader, top, out)
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

    def content(self, node: Node) -> None:
        for name, child in self.reader.mapping(node, "content").items():
            key = f"content.{name}"
            if name not in catalog.CONTENT:
                self.reader.unknown(
                    "unknown-category", "is not a content filter", name, node.keys[name], key, catalog.CONTENT
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
            for field in ("examples", "not_examples"):
                if field in entries:
                    phrases = self.reader.items(entries[field], f"{key}.{field}")
                    read_phrases = [(self.reader.text(n, f"{key}.{field}[{j}]"), n) for j, n in enumerate(phrases)]
                    values = tuple(Value(v, n.at) for v, n in read_phrases if v is not None)
                    draft.fields[field] = Value(values, entries[field].at)
            if "threshold" in entries:
                threshold = self.reader.number(entries["threshold"], f"{key}.threshold", 0.01, 1)
                self._set(draft.fields, "threshold", self._value(threshold, entries["threshold"]))
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
        slug = SLUG.sub("-", terms[0].value.lower()).strip("-") or str(index + 1)
        name = self.identifier(entries, key) or slug
        draft = self.draft(f"words.{name.removeprefix('words.')}", "words", "WORD", child.at, key)
        draft.fields["terms"] = Value(tuple(terms), child.at)
        self.common(draft, entries, key, base=base)

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
        name = self.identifier(entries, key) or SLUG.sub("-", path.rsplit("/", 1)[-1].rsplit(".", 1)[0].lower()).strip(
            "-"
        )
        draft = self.draft(f"words.{name.removeprefix('words.')}", "words", "WORD", child.at, key)
        if loaded is not None:
            draft.fields["lists"] = Value((Value(loaded, entries["file"].at),), entries["file"].at)
        self.common(draft, entries, key, base=base)

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
                self.reader.unknown("unknown-list", "is not a managed word list", name, at, key, catalog.MANAGED_LISTS)
                continue
            draft = self.draft(f"words.{name}", "words", name, at, key)
            draft.fields["managed"] = Value((Value(name, at),), at)
            self.common(draft, self.short(child, key, COMMON), key, base=base)

    def pii(self, node: Node) -> None:
        reader = self.reader
        entries = reader.mapping(node, "pii", PII_KEYS)
        if "countries" in entries:
            known = []
            for i, child in enumerate(reader.items(entries["countries"], "pii.countries")):
                name = self.country(child, f"pii.countries[{i}]")
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

    def country(self, node: Node, key: str) -> str | None:
        """A country's code; for a name or a union, the codes to write."""
        meant = catalog.COUNTRY_NAMES.get(node.value.strip().lower()) if isinstance(node.value, str) else None
        if isinstance(node.value, str) and node.value not in COUNTRIES:
            near = node.value.upper() if node.value.upper() in COUNTRIES else meant
            remedy = f"write {near}" if near else None  # other spellings are known to the reader
            self.reader.unknown("unknown-country", "is not known here", node.value, node.at, key, COUNTRIES, remedy)
            return None
        return self.reader.choice(node, key, COUNTRIES, "unknown-country")

    def entity(self, name: str, child: Node, at: Position) -> None:
        key = f"pii.entities.{name}"
        if name != "ALL" and name not in catalog.PII:
            self.reader.unknown("unknown-entity", "is not a type of sensitive information", name, at, key, catalog.PII)
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
        if isinstance(node.value, bool | list) or node.value is None:
            self.reader.wrong_type(node, section, "a threshold or a mapping", shape(section))
            return
        if not isinstance(node.value, dict):
            node = Node({"threshold": node}, node.at, keys={"threshold": node.at})
        keys = GROUNDING_KEYS if section == "grounding" else RELEVANCE_KEYS
        entries = self.reader.mapping(node, section, keys)
        draft = self.draft(section, "grounding", section.upper(), node.at, section)
        if "threshold" in entries:
            threshold = self.reader.number(entries["threshold"], f"{section}.threshold", 0, 0.99)
            self._set(draft.fields, "threshold", self._value(threshold, entries["threshold"]))
        else:
            self.reader.report(
                "missing-key", f"{section}.threshold is missing", node.at, section, allowed="0 to 0.99",
                remedy="add threshold: 0.75",
            )  # fmt: skip
        if "sources" in entries:
            self._set(draft.fields, "sources", self._value(self.sources(entries["sources"]), entries["sources"]))
        self.common(draft, entries, section)

    def sources(self, node: Node) -> tuple[Any, ...] | None:
        """Which texts of a request count as grounding sources: roles, ``marked``, or what stands behind some words."""
        from guardrails.detectors.grounding import After  # noqa: PLC0415 - only policies with grounding need it

        key = "grounding.sources"
        items = self.reader.items(node, key)
        if isinstance(node.value, list) and not items:
            self.reader.report(
                "missing-key", f"{key} names no source", node.at, key, allowed=", ".join(SOURCES),
                remedy="name at least one, or remove the key",
            )  # fmt: skip
        found: list[Any] = []
        for i, child in enumerate(items):
            place = f"{key}[{i}]"
            if not isinstance(child.value, dict):
                found.append(self.reader.choice(child, place, SOURCES))
                continue
            entries = self.reader.mapping(child, place, SOURCE_KEYS)
            words = {
                name: self.reader.text(entries[name], f"{place}.{name}", at_most=200)
                for name in SOURCE_KEYS
                if name in entries
            }
            after = words.get("after")
            if "after" not in entries:
                self.reader.report(
                    "missing-key", f"{place}.after is missing", child.at, place, remedy='write {after: "Context:"}'
                )
            found.append(None if after is None else After(after, words.get("before")))
        return None if not found or None in found else tuple(found)

    def rules(self, node: Node) -> None:
        for i, child in enumerate(self.reader.items(node, "rules")):
            key = f"rules[{i}]"
            entries = self.reader.mapping(child, key, RULE_KEYS)
            name = self.identifier(entries, key)
            detector = self.needed(child, entries, "detector", key)
            if detector is not None and detector not in detectors.DETECTORS:
                self.reader.unknown(
                    "unknown-detector", "is not a detector", detector, entries["detector"].at, f"{key}.detector",
                    tuple(detectors.DETECTORS),
                )  # fmt: skip
                continue
            if detector in OWN_SECTION:
                self.reader.report(
                    "own-section", f"rules of {detector} are written in the section {OWN_SECTION[detector]}",
                    entries["detector"].at, f"{key}.detector", written=detector,
                    remedy=f"move the rule to {OWN_SECTION[detector]}",
                )  # fmt: skip
                continue
            if name is None:
                if "id" not in entries:
                    self.reader.report("missing-key", f"{key}.id is missing", child.at, key, remedy="add id: …")
                continue
            if detector is None:
                continue
            type_ = self.reader.text(entries["type"], f"{key}.type") if "type" in entries else None
            draft = self.draft(name, detector, type_ or SLUG.sub("_", name.lower()).upper(), child.at, key)
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
        values = {}
        hints = get_type_hints(kind)
        for name, child in entries.items():
            value = plain(child)
            value = tuple(value) if isinstance(value, list) else value
            wanted = types_of(hints[name])
            if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)):
                self.reader.wrong_type(child, f"{key}.settings.{name}", " or ".join(TYPE_NAMES[t] for t in wanted))
                return None
            values[name] = value
        for name, field in fields.items():
            missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if missing and name not in values:
                self.reader.report(
                    "missing-key", f"{key}.settings.{name} is missing", node.at if node else at, f"{key}.settings",
                    remedy=f"add settings: {{{name}: …}}",
                )  # fmt: skip
                return None
        try:
            return kind(**values)
        except (TypeError, ValueError) as error:
            self.reader.report(
                "bad-settings", f"the detector {detector} refuses these settings: {error}", node.at if node else at,
                f"{key}.settings",
            )  # fmt: skip
            return None
