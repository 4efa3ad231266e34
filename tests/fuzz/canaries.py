"""Texts that must not pass, and every place of a body where one could stand, as a reader that knows no format finds them.

A request and its answer have canaries of their own: what a client sent itself is no secret to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from guardrails import Guard
from guardrails.policy import loads

__all__ = ["INPUT", "OUTPUT", "POLICY", "Canaries", "Leaf", "found", "guard", "leaves", "raw_found", "reported"]


class Canaries(NamedTuple):
    """A blocked term, a masked one, a card and an address that are masked, and a term that is only reported."""

    blocked: str
    masked: str
    card: str
    mail: str
    seen: str

    @property
    def plain_card(self) -> str:
        """The card's digits alone."""
        return self.card.replace(" ", "")

    @property
    def texts(self) -> tuple[str, ...]:
        """All that a text can hold."""
        return (self.blocked, self.masked, self.card, self.plain_card, self.mail, self.seen)


INPUT = Canaries("project kingfisher", "rival bank", "4111 1111 1111 1111", "bob@example.org", "amber lantern")
OUTPUT = Canaries("harbour heron", "copper cellar", "5500 0055 5555 5559", "eve@example.com", "velvet anchor")

POLICY = """
version: 1
name: fuzz
messages: {blocked_input: "[not asked]", blocked_output: "[not said]"}
limits: {deadline_ms: 60000}
words:
  terms:
    - {term: project kingfisher, id: in-blocked}
    - {term: harbour heron, id: out-blocked}
    - {term: rival bank, id: in-masked, action: mask, mask: {style: constant, text: "[a bank]"}}
    - {term: copper cellar, id: out-masked, action: mask, mask: {style: constant, text: "[a place]"}}
    - {term: amber lantern, id: in-seen, action: detect}
    - {term: velvet anchor, id: out-seen, action: detect}
pii:
  entities:
    EMAIL: {action: mask, mask: {style: numbered, restore: true}}
    CREDIT_DEBIT_CARD_NUMBER: mask
"""


def guard(more: str = "") -> Guard:
    """The policy of the canaries, and what ``more`` adds to it. Strings only: no model is asked."""
    return Guard(loads(POLICY + more))


class Leaf(NamedTuple):
    """A string, a key or a number of a body, and the keys around it (list places are ``None``)."""

    text: str
    keys: tuple[str | None, ...]
    number: bool = False


def _pairs(pairs: list[tuple[str, Any]]) -> list[Any]:
    return [_OBJECT, *pairs]


_OBJECT = object()


def leaves(text: str, *, nested: bool = True) -> Iterator[Leaf]:
    """Everything that :func:`json.loads` would make of ``text``, duplicate keys and JSON inside strings (one level) included.

    A text that is no JSON is a leaf itself.
    """
    try:
        value = json.loads(text, object_pairs_hook=_pairs)
    except (ValueError, RecursionError):
        yield Leaf(text, ())
        return
    yield from _walk(value, (), nested)


def _walk(value: Any, keys: tuple[str | None, ...], nested: bool) -> Iterator[Leaf]:
    if isinstance(value, str):
        yield Leaf(value, keys)
        if nested and value[:1] in ("{", "[", '"'):
            yield from (Leaf(x.text, keys + x.keys, x.number) for x in leaves(value, nested=False))
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield Leaf(repr(value), keys, number=True)
    elif value and value[0] is _OBJECT:
        for key, inner in value[1:]:
            yield Leaf(key, keys)
            yield from _walk(inner, (*keys, key), nested)
    else:
        for inner in value:
            yield from _walk(inner, (*keys, None), nested)


# Where a number may be an id or a setting: such numbers are not inspected, whoever sent them. Anywhere else they are text.
_NUMBERED = frozenset({"x_note", "x_more", "city", "note", "case", "topic", "sky", "days"})
# Fields of base64 or token ids: content that nobody can inspect, which is reported.
_UNREAD_LISTS = frozenset({"input", "prompt", "context", "images", "embedding"})


def _bounded(words: Iterable[str], personal: Iterable[str]) -> re.Pattern[str]:
    """Words between word boundaries; personal data between blanks, since what touches it can make it something else."""
    plain = "|".join(map(re.escape, words))
    strict = "|".join(map(re.escape, personal))
    return re.compile(rf"\b(?:{plain})\b|(?<![^\s\"])(?<!\d\s)(?:{strict})(?![^\s\"])(?!\s\d)")


_HIDDEN = {
    c: _bounded((c.blocked, c.masked), (c.card, c.plain_card, c.mail)) for c in (INPUT, OUTPUT)
}  # fmt: skip


def found(canaries: Canaries, every: Iterable[Leaf]) -> str | None:
    """What is wrong: the first leaf with a canary that must not stand there."""
    pattern = _HIDDEN[canaries]
    for leaf in every:
        if leaf.number:
            if leaf.text.partition(".")[0] == canaries.plain_card and _counts(leaf.keys):
                return f"the card as a number at {_name(leaf.keys)}"
        elif hit := pattern.search(leaf.text):
            return f"{hit.group()!r} at {_name(leaf.keys)}"
    return None


# JSON's short escapes: the letter of one belongs to no word ("\rival bank" is a carriage return and "ival bank").
_SHORT_ESCAPE = re.compile(r'\\[bfnrt"/\\]')


def raw_found(canaries: Canaries, text: str) -> str | None:
    """A canary in a text nobody parsed."""
    hit = _HIDDEN[canaries].search(_SHORT_ESCAPE.sub(" ", text))
    return f"{hit.group()!r} in the raw text" if hit else None


def reported(canaries: Canaries, every: Iterable[Leaf]) -> str | None:
    """The place of a canary that has to be reported, None without one."""
    pattern = re.compile(rf"\b{canaries.seen}\b")
    return next((_name(x.keys) for x in every if not x.number and pattern.search(x.text)), None)


def _counts(keys: tuple[str | None, ...]) -> bool:
    names = [k for k in keys if k is not None]
    return bool(names) and names[-1] in _NUMBERED and not (keys[-1] is None and names[-1] in _UNREAD_LISTS)


def _name(keys: tuple[str | None, ...]) -> str:
    return ".".join("[]" if k is None else k for k in keys) or "the top"
