"""Presidio's ad-hoc recognisers: patterns and deny lists that come with a call, and the words of context that raise their scores."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body

__all__ = ["Recogniser", "passed_over", "recognisers"]

# As Presidio's LemmaContextAwareEnhancer has them by default: what a word of context adds, the least score with one, and how many words
# before a value are looked at.
RAISED, LEAST, WORDS = 0.35, 0.4, 5
_WORD = re.compile(r"\w+")
# Characters that RE2 reads as themselves only behind a backslash.
_SPECIAL = re.compile(r"([\\.^$|()\[\]{}*+?-])")
# What Presidio finds by its language models, and not by a recogniser of its own.
_BY_MODELS = ("PERSON", "LOCATION", "ORGANIZATION", "NRP", "DATE_TIME")


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One pattern of a recogniser: the ``entity`` it finds, with which ``score`` in [0, 1], and the words of ``context`` that raise it."""

    entity: str
    pattern: str
    score: float
    name: str
    pattern_name: str | None = None
    context: tuple[str, ...] = ()

    def supported(self, text: str, start: int, more: Sequence[str]) -> tuple[float, str]:
        """(the score of what stands at ``start``, the word of context that raised it). ``more``: words of context that came with the call."""
        if not self.context:
            return self.score, ""
        before = _WORD.findall(text[max(0, start - 400) : start].casefold())[-WORDS:]
        around = [*before, *(w for one in more for w in _WORD.findall(one.casefold()))]
        word = next((c for c in self.context if any(c.casefold() in one for one in around)), "")
        return (min(1.0, max(self.score + RAISED, LEAST)) if word else self.score), word


def recognisers(body: Body) -> list[Recogniser]:
    """Those of a call. Raises Fault with the field and the remedy."""
    out = []
    for item in body.objects("ad_hoc_recognizers", [], most=100):
        entity = item.text("supported_entity")
        common = Recogniser(
            entity, "", 1.0, item.text("name", "") or entity, context=tuple(c for c in item.texts("context", []) if c)
        )
        for pattern in item.objects("patterns", []):
            regex, score = pattern.text("regex"), pattern.number("score", 0, 1)
            out.append(replace(common, pattern=regex, score=score, pattern_name=pattern.text("name", "") or None))
        denied = item.texts("deny_list", [])
        if denied:
            certain = item.number("deny_list_score", 0, 1, 1)
            out.append(
                replace(common, pattern="|".join(_word(w) for w in denied), score=certain, pattern_name="deny_list")
            )
        if not denied and not item.value.get("patterns"):
            raise Fault(Kind.INVALID, "has neither patterns nor a deny_list", item.place)
    return out


def passed_over(asked: Iterable[str], known: Iterable[str]) -> list[str]:
    """The entities that are asked for, that Presidio knows, and that nobody here finds."""
    found = set(known)
    return [name for name in dict.fromkeys(asked) if name not in found and name in _theirs()]


@cache
def _theirs() -> frozenset[str]:
    """The entities of Presidio's own recognisers. Its module loads Presidio's analyzer, so it waits for the first call."""
    from presidio_analyzer import predefined_recognizers  # noqa: PLC0415

    found = set(_BY_MODELS)
    for one in vars(predefined_recognizers).values():
        if inspect.isclass(one):
            parameter = inspect.signature(one).parameters.get("supported_entity")
            default: Any = parameter.default if parameter else None
            found |= {default} if isinstance(default, str) else set()
    return frozenset(found)


def _word(term: str) -> str:
    """A pattern for a term as a word of its own."""
    first, last = (r"\b" if end.isalnum() else "" for end in (term[:1], term[-1:]))
    return first + _SPECIAL.sub(r"\\\1", term) + last
