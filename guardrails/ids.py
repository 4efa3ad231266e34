"""What string rules find in an id: a denied word, an author's pattern, a secret, a card's number.

Ids, enums, model names, segments of a path and values of a query are no prose, so no model reads them and nothing in them is
decoded. Words and regexes find in them what they find anywhere; of the PII types only those whose form alone is proof. The
ids of every API are random letters and digits, and chance must not make a telephone of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.fold import View
from guardrails.guard import Direction, Guard, failures_of
from guardrails.rules import Rule
from guardrails.types import Found, Hit, Piece, Role, Source
from guardrails.verdict import Verdict

__all__ = ["CERTAIN", "IdRules", "id_rules"]


def _grouped_card(text: str, hit: Hit) -> bool:
    """Written as on the card: 4-4-4-4 or 4-6-5. Sixteen digits in a row are a timestamp or a counter as well."""
    return _CARD.fullmatch(text, hit.start or 0, hit.end or 0) is not None


def _grouped(text: str, hit: Hit) -> bool:
    """Digits in groups, and nothing grown together with them."""
    start, end = hit.start or 0, hit.end or 0
    return not text[start:end].isdigit() and not text[max(0, start - 2) : start].rstrip("-._:/#=")[-1:].isdigit()


def _international(text: str, hit: Hit) -> bool:
    return text[hit.start] == "+" if hit.start is not None else False


def _strong(text: str, hit: Hit) -> bool:
    """A format of its own (``sk-proj-…``), and not what stands behind a word for it."""
    del text
    return hit.score >= 0.85


def _always(text: str, hit: Hit) -> bool:
    del text, hit
    return True


_CARD = re.compile(r"\d{4}([-./:])\d{4}\1\d{4}\1\d{4}|\d{4}([-./:])\d{6}\2\d{5}")
# The types that are looked for in ids, and what else must be true of a match there.
CERTAIN: dict[str, Callable[[str, Hit], bool]] = {
    "EMAIL": _always,
    "AWS_ACCESS_KEY": _always,
    "API_KEY": _strong,
    "PRIVATE_KEY": _always,
    "JWT": _always,
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": _always,
    "CREDIT_DEBIT_CARD_NUMBER": _grouped_card,
    "US_SOCIAL_SECURITY_NUMBER": _grouped,
    "PHONE": _international,
}
# How ids of the APIs begin: what follows is not grown together with it, and no secret begins so.
_PREFIX = re.compile(
    r"(?:call|toolu|tooluse|srvtoolu|chatcmpl|cmpl|msg|resp|req|rs|fc|fco|ctc|ws|fs|ci|mcp|item|run|step|thread|asst|gen|fp|user|conv|id)_"
)
_SECRETS = frozenset({"AWS_ACCESS_KEY", "API_KEY", "PRIVATE_KEY", "JWT"})
_TEXTS = frozenset({"words", "regex"})
_LETTERS = re.compile(r"[A-Za-z]+(?:[^A-Za-z0-9]+[A-Za-z]+)*")
_SHORT = 4


def _meant(text: str, hit: Hit) -> bool:
    """Whether a word in an id is one that somebody wrote. Among random letters and digits some word of three letters is
    always found; one in letters of any case is chance too."""
    word = text[hit.start : hit.end]
    if word.lower() != word and word.upper() != word and not word.istitle():
        return False
    return len(word) >= _SHORT or _LETTERS.fullmatch(text) is not None


class _Plain:
    """The views of an id, in place of :class:`guardrails.fold.Folded`: as it is, and with the ``_`` that joins its words taken
    for a blank; the first alone too, since secrets have some of their own."""

    __slots__ = ("exhausted", "patterns", "plain", "words")

    def __init__(self, text: str) -> None:
        once = text.replace("_", " ", 1)
        parted = text.replace("_", " ")
        # Each view costs as much as the first.
        own = (once, parted) if _PREFIX.match(text) else (text, parted, once)
        self.patterns = tuple(View(t) for t in dict.fromkeys(own))
        self.words = (View(text.lower(), "folded"),)
        self.plain = True
        self.exhausted = None


class _Id(Content):
    """One id, which is not unfolded."""

    __slots__ = ("_plain",)

    def __init__(self, text: str, role: Role, source: Source) -> None:
        super().__init__((Piece(text, role),), source)
        self._plain = _Plain(text)

    def folded(self, index: int) -> Any:  # noqa: ARG002 - there is one
        return self._plain


class IdRules:
    """The string rules of one direction, for ids. Immutable and thread-safe."""

    __slots__ = ("_direction", "_names", "_pii", "_rules", "active")

    def __init__(self, direction: Direction) -> None:
        self._direction = direction
        self._names = _TEXTS & set(direction.names)
        own = tuple(r for r in direction.rules.values() if r.detector == "pii" and r.settings.entity in CERTAIN)
        self._rules: dict[str, Rule] = {r.id: r for r in own}
        self._pii: Any = detectors.build("pii", own) if own else None
        self.active = bool(self._names or own)

    def judge(self, text: str, role: Role, deadline: Deadline, *, secrets: bool = True) -> Verdict:
        """The verdict over one id. ``secrets``: whether a key counts (not in a parameter that is there for a credential)."""
        content = _Id(text, role, self._direction.source)
        found = self._direction.find(content, deadline, {}, self._names) if self._names else Found()
        words = self._direction.rules
        found.hits = [h for h in found.hits if words[h.rule].detector != "words" or _meant(text, h)]
        if self._pii is not None:
            try:
                more = self._pii.find(content, deadline)
            except Exception as error:  # as everywhere: what breaks is a failure of its rules
                found.failures += failures_of("pii", tuple(self._rules), error)
            else:
                found.hits += [h for h in more.hits if self._counts(text, h, secrets=secrets)]
                found.failures += more.failures
        return self._direction.judge(content, found.hits, found.failures)

    def _counts(self, text: str, hit: Hit, *, secrets: bool) -> bool:
        entity = self._rules[hit.rule].settings.entity
        return (secrets or entity not in _SECRETS) and CERTAIN[entity](text, hit)


_known: WeakKeyDictionary[Guard, dict[Source, IdRules]] = WeakKeyDictionary()


def id_rules(guard: Guard, source: Source) -> IdRules:
    """The string rules of a guard's direction, made on first use."""
    made = _known.setdefault(guard, {})
    if source not in made:
        made[source] = IdRules(guard.direction(source))
    return made[source]
