"""A policy file, read into drafts: its head, and the sections that detectors declare."""

from __future__ import annotations

import dataclasses
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from guardrails import detectors
from guardrails.detectors.settings import RULES, Section, Shape, sections_of, settings_of, typed
from guardrails.policy.drafts import Document, Draft, Value
from guardrails.policy.fields import NAME, SLUG
from guardrails.policy.fieldtable import ACTIONS, COUNTRIES, POLICY, RULE_KEYS, keys, own_settings, places, top
from guardrails.policy.files import Lists
from guardrails.policy.hints import shape
from guardrails.policy.kinds import read as read_kind
from guardrails.policy.reader import Reader
from guardrails.policy.source import Node, plain
from guardrails.policy.wordlists import WordLists
from guardrails.rules import Position

__all__ = ["read"]

TYPE_NAMES: dict[type, str] = {
    str: "a string", int: "a whole number", float: "a number", bool: "true or false", tuple: "a list",
    dict: "a mapping",
    type(None): "null",
}  # fmt: skip


def read(node: Node, reader: Reader, lists: Lists) -> Document:
    """What the file says. Problems go to the reader."""
    return _Sections(reader, lists).document(node)


class _Sections(WordLists):
    def document(self, node: Node) -> Document:
        found = self.reader.mapping(node, "", top())
        if not isinstance(node.value, dict):
            return self.out
        self.head(node, found)
        self.policy_settings(found)
        for key in detectors.SECTIONS:
            if key in found:
                self.rules(found[key]) if key == RULES.key else self.group(key, found[key])
        return self.out

    def head(self, node: Node, found: dict[str, Node]) -> None:
        """What is no setting: version, name, what is free, and names of others."""
        reader, out = self.reader, self.out
        for required in ("version", "name"):
            if required not in found:
                reader.report(
                    "missing-key", f"the key {required} is missing", node.at, required, remedy=f"add {required}: …"
                )
        if "version" in found and (found["version"].value != 1 or isinstance(found["version"].value, bool | float)):
            version = found["version"]
            reader.report(
                "unknown-version", "this version of the format is not known", version.at, "version",
                written=version.kind if version.raw is None else f"{version.raw} ({version.kind})", allowed="1 (a number)",
                remedy="write version: 1, without quotes",
            )  # fmt: skip
        if "name" in found:
            name = reader.text(found["name"], "name")
            if name is not None and not NAME.fullmatch(name):
                reader.report(
                    "bad-name", "this is not a policy's name", found["name"].at, "name", written=name,
                    allowed="1 to 50 letters, digits, - and _",
                )  # fmt: skip
            out.settings["name"] = Value(name or "?", found["name"].at)
        if "metadata" in found:
            for key, child in reader.mapping(found["metadata"], "metadata").items():
                value = reader.text(child, "metadata.owner") if key == "owner" else plain(child)
                out.settings[f"metadata.{key}"] = Value(value, child.at)
        if "bedrock" in found:
            reader.mapping(found["bedrock"], "bedrock")
            out.settings["bedrock"] = Value(plain(found["bedrock"]), found["bedrock"].at)
        for key, target in (("extends", out.extends), ("enforced", out.enforced)):
            if key in found:
                nodes = found[key].value if isinstance(found[key].value, list) else [found[key]]
                for i, child in enumerate(nodes):
                    text = reader.text(child, key if len(nodes) == 1 else f"{key}[{i}]")
                    if text is not None:
                        target.append(Value(text, child.at))

    def policy_settings(self, found: dict[str, Node]) -> None:
        """The settings of ``POLICY``, alone or in groups."""
        for group in dict.fromkeys(key.partition(".")[0] for key in POLICY):
            if group not in found:
                continue
            if group in POLICY:
                self.put(self.out.settings, group, POLICY[group].kind, found[group], group)
                continue
            node = found[group]
            if group == "conversation" and isinstance(node.value, str):
                node = Node({"scope": node}, node.at, keys={"scope": node.at})
            names = tuple(key.partition(".")[2] for key in POLICY if key.startswith(f"{group}."))
            for name, child in self.reader.mapping(node, group, names).items():
                key = f"{group}.{name}"
                self.put(self.out.settings, key, POLICY[key].kind, child, key)

    def group(self, key: str, node: Node) -> None:
        """A section, or the sections below a key of several detectors."""
        inside = places(key)
        if all(section.key == key for _, section in inside):
            for detector, section in inside:
                self.section(detector, section, node)
            return
        names = {section.key.partition(".")[2]: (detector, section) for detector, section in inside}
        more = ("countries",) if key == "pii" else ()
        entries = self.reader.mapping(node, key, (*more, *names))
        if "countries" in entries and more:
            known = read_kind(COUNTRIES, self.reader, entries["countries"], "pii.countries") or ()
            self.out.countries = Value(tuple(v.value for v in known), entries["countries"].at)
        for name, (detector, section) in names.items():
            if name in entries:
                self.section(detector, section, entries[name])

    def section(self, detector: str, section: Section, node: Node) -> None:
        """The rules of one section."""
        reader, key = self.reader, section.key
        if section.shape is Shape.WORDS:
            self.words(section, node)
        elif section.shape is Shape.ONE:
            if isinstance(node.value, bool | list) or node.value is None:
                reader.wrong_type(node, key, f"a {section.bare} or a mapping", shape(key))
            else:
                self.rule(detector, section, key.upper(), node, key, node.at)
        elif section.shape is Shape.LIST:
            for i, child in enumerate(reader.items(node, key)):
                self.named(detector, section, child, f"{key}[{i}]")
        else:
            for name, child in reader.mapping(node, key).items():
                if name in section.names or (section.every and name == section.every):
                    self.rule(detector, section, name, child, f"{key}.{name}", node.keys[name])
                else:
                    code, what = section.unknown
                    reader.unknown(code, what, name, node.keys[name], f"{key}.{name}", section.names)

    def named(self, detector: str, section: Section, child: Node, key: str) -> None:
        """A rule of a list: it has a name."""
        entries = self.reader.mapping(child, key, keys(detector, section))
        name = self.needed(child, entries, "name", key)
        settings = own_settings(detector, section)
        draft = Draft("", detector, name or "", child.at, key, section)
        if name is not None:
            id_ = self.identifier(entries, key) or section.rule_id(name)
            draft = self.draft(id_, detector, name, child.at, key, section)
        if isinstance(child.value, dict):
            self.own(draft, entries, key, settings, child.at)
        if name is not None:
            self.common(draft, entries, key, settings=settings)

    def rule(  # noqa: PLR0917 - what it is, and where it stands
        self, detector: str, section: Section, name: str, child: Node, key: str, at: Position
    ) -> None:
        """A rule of a mapping, or the only one of its section."""
        settings = own_settings(detector, section)
        entries = self.short(child, key, keys(detector, section), section.bare)
        if section.every and name == section.every:
            draft = self.out.pii_all = Draft(section.rule_id(name), detector, name, at, key, section)
        else:
            draft = self.draft(section.rule_id(name), detector, name, at, key, section)
        self.own(draft, entries, key, settings, child.at)
        bare = section.bare if not isinstance(child.value, dict) and section.bare in settings else ""
        self.common(draft, entries, key, settings=settings, bare=bare)
        says = {"action", "input", "output", "enabled"} & entries.keys()
        if section.acts and not says and isinstance(child.value, dict):
            self.reader.report(
                "missing-key", f"{key} does not say what to do", child.at, key, allowed=", ".join(ACTIONS), remedy="add action: …"
            )  # fmt: skip

    def rules(self, node: Node) -> None:
        """Rules of detectors without a section of their own."""
        for i, child in enumerate(self.reader.items(node, RULES.key)):
            key = f"{RULES.key}[{i}]"
            entries = self.reader.mapping(child, key, RULE_KEYS)
            name = self.identifier(entries, key)
            detector = self.needed(child, entries, "detector", key)
            if detector is not None and detector not in detectors.DETECTORS:
                self.reader.unknown(
                    "unknown-detector", "is not a detector", detector, entries["detector"].at, f"{key}.detector",
                    tuple(detectors.DETECTORS),
                )  # fmt: skip
                continue
            sections = " or ".join(section.key for section in sections_of(detector)) if detector is not None else ""
            if sections:
                self.reader.report(
                    "own-section", f"rules of {detector} are written in the section {sections}",
                    entries["detector"].at, f"{key}.detector", written=detector,
                    remedy=f"move the rule to {sections}",
                )  # fmt: skip
                continue
            if name is None:
                if "id" not in entries:
                    self.reader.report("missing-key", f"{key}.id is missing", child.at, key, remedy="add id: …")
                continue
            if detector is None:
                continue
            type_ = self.reader.text(entries["type"], f"{key}.type") if "type" in entries else None
            draft = self.draft(name, detector, type_ or SLUG.sub("_", name.lower()).upper(), child.at, key, RULES)
            settings = self.settings(detector, entries.get("settings"), key, child.at)
            if settings is not None:
                draft.fields["settings"] = Value(
                    settings, entries["settings"].at if "settings" in entries else child.at
                )
            self.common(draft, entries, key)

    def settings(self, detector: str, node: Node | None, key: str, at: Position) -> Any:
        """The detector's own Settings from the mapping, checked against what they declare or else their types."""
        kind = detectors.module(detector).Settings
        hints, declared = typed(kind), settings_of(detector)
        fields = {f.name: f for f in dataclasses.fields(kind)}
        entries = self.reader.mapping(node, f"{key}.settings", tuple(fields)) if node is not None else {}
        values = {}
        for name, child in entries.items():
            place = f"{key}.settings.{name}"
            if name in declared:
                value = read_kind(declared[name].kind, self.reader, child, place)
                if value is None:
                    return None
                value = declared[name].canonical(tuple(v.value for v in value)) if isinstance(value, tuple) else value
            else:
                value = plain(child)
                value = tuple(value) if isinstance(value, list) else value
                wanted = types_of(hints[name])
                if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)):
                    self.reader.wrong_type(child, place, " or ".join(TYPE_NAMES[t] for t in wanted))
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


def types_of(hint: Any) -> tuple[type, ...]:
    """The plain types behind an annotation; empty when it says something that this reader does not know."""
    if get_origin(hint) is Annotated:
        return types_of(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        parts = [types_of(part) for part in get_args(hint)]
        return tuple(dict.fromkeys(t for p in parts for t in p)) if all(parts) else ()
    plain_type = get_origin(hint) or hint
    if plain_type is float:
        return (float, int)
    return (plain_type,) if plain_type in TYPE_NAMES else ()
