"""What string rules find in an id: a denied word, an author's pattern, a secret, a card's number.

Ids, enums, model names, segments of a path and values of a query are no prose, so no model reads them and nothing in them is
decoded. Words and regexes find in them what they find anywhere; of the PII types only those whose form alone is proof. The
ids of every API are random letters and digits, and chance must not make a telephone of them.
"""

from __future__ import annotations

import re
from typing import Any
from weakref import WeakKeyDictionary

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.fold import View
from guardrails.guard import Guard
from guardrails.pipeline import Pipeline
from guardrails.types import Piece, Role, Source
from guardrails.verdict import Verdict

__all__ = ["IdRules", "id_rules"]


# How ids of the APIs begin: what follows is not grown together with it, and no secret begins so.
_PREFIX = re.compile(
    r"(?:call|toolu|tooluse|srvtoolu|chatcmpl|cmpl|msg|resp|req|rs|fc|fco|ctc|ws|fs|ci|mcp|item|run|step|thread|asst|gen|fp|user|conv|id)_"
)
# A value of digits in groups, or an international number, which something is grown to or hangs on by a mark: "user-536-90-4399",
# "tel+442079460018". The neighbours' letter or mark gives way to one that no pattern reads.
_VALUE = re.compile(r"(?:(?<![\d._+-])|(?<=[A-Za-z][._-]))(?:\d{3}([-_])\d{2}\1\d{4}|\+\d{8,15})(?![._-]?\d)")
_BORDER = re.compile(r"[A-Za-z](?=\d)|(?<=\d)[A-Za-z]|(?<=[^\W\d_])[-.](?=\d)|(?<=\d)[-.](?=[^\W\d_])|[A-Za-z](?=\+\d)")
# Where the words of one that was written together meet.
_DIGIT = r"(?<=[A-Za-z])\d|\d(?=[A-Za-z])"
_JOINTS = tuple(re.compile(rf"{hump}|{_DIGIT}") for hump in ("[a-z](?=[A-Z][a-z])", "(?<=[a-z])[A-Z](?=[a-z])"))


def _freed(text: str) -> str | None:
    """The text with a value of digits cut free of what it is grown together with; None when it has none."""
    if _VALUE.search(text) is None:
        return None
    return _BORDER.sub(";", _VALUE.sub(lambda m: m.group().replace("_", "-"), text)).replace("_", " ")


class _Plain:
    """The views of an id, in place of :class:`guardrails.fold.Folded`: as it is, and with the ``_`` that joins its words taken
    for a blank; the first alone too, since secrets have some of their own. Where something is grown to a value of digits, or
    to a word, one more with the two apart. All are as long as the id."""

    __slots__ = ("exhausted", "patterns", "plain", "words")

    def __init__(self, text: str) -> None:
        once = text.replace("_", " ", 1)
        parted = text.replace("_", " ")
        # Each view costs as much as the first.
        own = (once, parted) if _PREFIX.match(text) else (text, parted, once)
        freed = _freed(text)
        self.patterns = tuple(View(t) for t in dict.fromkeys(own if freed is None else (*own, freed)))
        words = (text.lower(), *(joint.sub(" ", text).lower() for joint in _JOINTS))
        self.words = tuple(View(t, "folded") for t in dict.fromkeys(words))
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
    """The rules of one direction that read ids. Immutable and thread-safe."""

    __slots__ = ("_counts", "_finding", "_judging", "active")

    def __init__(self, finding: Pipeline, judging: Pipeline) -> None:
        """``finding``: the rules that read ids; ``judging``: all rules of the direction."""
        self._finding = finding
        self._judging = judging
        self._counts = {
            r.id: counts for r in finding.rules.values() if (counts := detectors.counts_in_ids(r)) is not None
        }
        self.active = bool(finding.rules)

    def judge(self, text: str, role: Role, deadline: Deadline, *, secrets: bool = True) -> Verdict:
        """The verdict over one id. ``secrets``: whether a key counts (not in a parameter that is there for a credential)."""
        content = _Id(text, role, self._finding.source)
        found = self._finding.find(content, deadline, {})
        hits = [h for h in found.hits if self._counts[h.rule](text, h, not secrets)]
        return self._judging.judge(content, hits, found.failures)


_known: WeakKeyDictionary[Guard, dict[Source, IdRules]] = WeakKeyDictionary()


def id_rules(guard: Guard, source: Source) -> IdRules:
    """The string rules of a guard's direction, made on first use."""
    made = _known.setdefault(guard, {})
    if source not in made:
        made[source] = IdRules(guard.ids(source), guard.direction(source))
    return made[source]
