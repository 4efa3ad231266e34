"""Reads the section ``words``: one rule for plain terms, and one for each entry with settings, each list and each managed list."""

from __future__ import annotations

from guardrails import catalog
from guardrails.detectors.settings import Section
from guardrails.policy.drafts import Draft, Value
from guardrails.policy.fields import SLUG, Fields
from guardrails.policy.fieldtable import COMMON
from guardrails.policy.source import Node
from guardrails.rules import Position

__all__ = ["LIST_KEYS", "TERM_KEYS", "WORDS_KEYS", "WordLists", "slug"]

WORDS_KEYS = ("terms", "lists", "managed", *COMMON)
TERM_KEYS = ("term", "terms", "id", *COMMON)
LIST_KEYS = ("file", "id", *COMMON)


def slug(term: str) -> str:
    """What a rule is called after its first term."""
    return SLUG.sub("-", term.lower()).strip("-")


class WordLists(Fields):
    """The reader of ``words``."""

    def words(self, section: Section, node: Node) -> None:
        """Drafts of all rules of the section; what stands beside them is said for each."""
        reader = self.reader
        entries = reader.mapping(node, "words", WORDS_KEYS)
        base = {k: v for k, v in entries.items() if k in COMMON}
        if "terms" in entries:
            plain_terms: list[Value] = []
            for i, child in enumerate(reader.items(entries["terms"], "words.terms")):
                key = f"words.terms[{i}]"
                if isinstance(child.value, dict):
                    self._term(section, child, key, i, base)
                else:
                    plain_terms += self._checked_term(child, key, key)
            if plain_terms:
                at = entries["terms"].at
                draft = self._words_rule(section, "terms", "WORD", at, "words.terms")
                draft.fields["terms"] = Value(tuple(plain_terms), at)
                self.common(draft, base, "words")
        if "lists" in entries:
            for i, child in enumerate(reader.items(entries["lists"], "words.lists")):
                self._word_list(section, child, f"words.lists[{i}]", base)
        if "managed" in entries:
            self._managed(section, entries["managed"], base)

    def _words_rule(self, section: Section, name: str, type_: str, at: Position, key: str) -> Draft:
        id_ = section.rule_id(name.removeprefix("words."))
        return self.draft(id_, "words", type_, at, key, section)

    def _term(self, section: Section, child: Node, key: str, index: int, base: dict[str, Node]) -> None:
        entries = self.reader.mapping(child, key, TERM_KEYS)
        nodes = [entries["term"]] if "term" in entries else []
        if "terms" in entries:
            nodes += self.reader.items(entries["terms"], f"{key}.terms")
        terms = [value for n in nodes for value in self._checked_term(n, f"{key}.term", f"{key}.term")]
        if not terms:
            if not nodes:
                self.reader.report("missing-key", f"{key}.term is missing", child.at, key, remedy="add term: …")
            return
        name = self.identifier(entries, key) or slug(terms[0].value) or str(index + 1)
        draft = self._words_rule(section, name, "WORD", child.at, key)
        draft.fields["terms"] = Value(tuple(terms), child.at)
        self.common(draft, entries, key, base=base)

    def _checked_term(self, node: Node, key: str, shown: str) -> list[Value]:
        """The term, in a list that is empty after a problem."""
        text = self.reader.word(node, key)
        if text is None:
            return []
        if not any(c.isalnum() for c in text) and not text.replace("\\*", "x").strip("* \t\n"):
            message, remedy = f"{shown} would match everything", "name a word between the stars"
            self.reader.report("empty-term", message, node.at, key, written=text, remedy=remedy)
            return []
        return [Value(text, node.at)]

    def _word_list(self, section: Section, child: Node, key: str, base: dict[str, Node]) -> None:
        entries = self.short(child, key, LIST_KEYS, "file")
        path = self.needed(child, entries, "file", key)
        if path is None:
            return
        at = entries["file"].at
        loaded = self.lists(path, at, f"{key}.file")
        name = self.identifier(entries, key) or slug(path.rsplit("/", 1)[-1].rsplit(".", 1)[0])
        draft = self._words_rule(section, name, "WORD", child.at, key)
        if loaded is not None:
            draft.fields["lists"] = Value((Value(loaded, at),), at)
        self.common(draft, entries, key, base=base)

    def _managed(self, section: Section, node: Node, base: dict[str, Node]) -> None:
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
            draft = self._words_rule(section, name, name, at, key)
            draft.fields["managed"] = Value((Value(name, at),), at)
            self.common(draft, self.short(child, key, tuple(COMMON)), key, base=base)
