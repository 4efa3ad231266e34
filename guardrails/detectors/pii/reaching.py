"""How far a type reaches: the longest value its patterns take, and what behind a value still decides about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from guardrails.detectors.pii.context import CHARS_AFTER
from guardrails.detectors.pii.registry import specs
from guardrails.detectors.widths import pattern_reach

__all__ = ["begun", "reach_of", "unfinished_key"]

# Behind a value the engine looks at context words, and at the stars of a partial mask.
_STARS = 64
_AFTER = max(CHARS_AFTER, _STARS)
# What the trained tagger may take for one value. Its spans have no form; these are the longest that people write: a name with
# titles and particles, an address on one line, "eleven and a half years old", a handle, a pass phrase.
_TAGGED = {"NAME": 96, "ADDRESS": 160, "AGE": 48, "USERNAME": 64, "PASSWORD": 64}
# Types whose patterns allow each word of a value 64 characters, which sums up to more than any value has. NAME and ADDRESS as
# above: they are found from their first words on, and a match that goes on is open. EMAIL: an address without blanks is one
# run (64); spelled out ("bob at example dot com") it may have twice that. PRIVATE_KEY: its header is found by itself, with
# up to 128 characters; what follows the header is held by `unfinished_key`.
_DECLARED = {"NAME": 96, "ADDRESS": 160, "EMAIL": 128, "PRIVATE_KEY": 128}
_KEY_OPENS = re.compile(r"-{4,5} ?BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY|PuTTY-User-Key-File-[23]:")
_KEY_CLOSES = re.compile(r"-{4,5} ?END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY|Private-MAC: [0-9a-f]{40}")
# Characters; an RSA key of 16,384 bits has 12,500.
_LONGEST_KEY = 16_384


@cache
def reach_of(entity: str) -> int | None:
    """Measured characters (:mod:`guardrails.detectors.widths`) a type may reach over, None for the whole text.

    A type that only foreign recognisers find has no form to read off: None.
    """
    widths = [_TAGGED[entity]] if entity in _TAGGED else []
    for spec in specs():
        if spec.type == entity and entity not in _DECLARED:
            for pattern, _ in spec.patterns:
                width = pattern_reach(pattern, value=True)
                if width is None:
                    return None
                widths.append(width)
    if entity in _DECLARED:
        widths.append(_DECLARED[entity])
    return max(widths) + _AFTER if widths else None


def unfinished_key(text: str) -> int | None:
    """Where a private key begins whose end has not come, None without one."""
    base = max(0, len(text) - _LONGEST_KEY)
    for opening in _KEY_OPENS.finditer(text, base):
        if not _KEY_CLOSES.search(text, opening.end()):
            return opening.start()
    return None


# Characters at the end of a text in which a value may have begun; no pattern's value is longer before it is found.
_BEGINNING = 256
_SECONDS = 0.05  # of one pattern; one that takes longer is taken to have begun everywhere


@cache
def _partial(entity: str) -> tuple[Any, ...]:
    import regex  # noqa: PLC0415 - it alone can say that the end of a text is the beginning of a match

    return tuple(
        regex.compile(pattern, regex.VERSION0 | regex.ASCII | (regex.IGNORECASE if spec.ignore_case else 0))
        for spec in specs()
        if spec.type == entity
        for pattern, _ in spec.patterns
    )


def begun(entities: Iterable[str], text: str) -> int:
    """Where the first value of these types may have begun that the end of ``text`` leaves open; its length for none."""
    base = max(0, len(text) - _BEGINNING)
    first = len(text)
    for entity in entities:
        for pattern in _partial(entity):
            try:
                for match in pattern.finditer(text, base, partial=True, timeout=_SECONDS):
                    if match.partial:
                        first = min(first, match.start())
            except TimeoutError:
                return base
    return first
