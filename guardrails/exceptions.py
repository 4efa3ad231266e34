"""Values an author has declared harmless for one rule: our own phone number, a brand name.

An exception excuses a hit when the hit *is* that value (compared folded, letters and digits only; telephone numbers as
numbers, however they are written), or lies inside an occurrence of it ("Dick's Sporting Goods"). It never excuses more than
itself, and never an enforced rule of a parent: the policy loader refuses that.

What an author wrote for a place also comes before a built-in type of the same place: :func:`unclaimed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import regex

from guardrails.content import Content
from guardrails.detectors.traits import DetectorSpec
from guardrails.detectors.words_terms import compile_term
from guardrails.fold import fold_term, value_key
from guardrails.rules import Rule
from guardrails.spans import inside
from guardrails.types import Hit, RuleAction, Source

__all__ = ["excused", "unclaimed", "value_key"]

_APART = 16  # characters, at most

# What may stand between the words of an exception, as between those of a term.
_SEPARATORS = r"[^\p{L}\p{N}\p{M}\u200c\u200d]"


@lru_cache(maxsize=4096)
def _occurrences(exception: str) -> Any:
    """A pattern for an exception in folded text, punctuation and blanks between its words being nothing; None for an empty one."""
    term = fold_term(exception).strip()
    words = [w for w in regex.split(f"{_SEPARATORS}+", term) if w]
    if compile_term(exception.replace("*", "\\*")).literal or not words:  # its signs must stand
        plain = regex.escape(term).replace(r"\ ", r"\s+")
        return regex.compile(rf"(?<!\w){plain}(?!\w)") if term else None
    body = f"{_SEPARATORS}{{1,{_APART}}}".join(map(regex.escape, words))
    return regex.compile(rf"(?<![\p{{L}}\p{{N}}\p{{M}}]){body}(?![\p{{L}}\p{{N}}\p{{M}}])")


def excused(hit: Hit, rule: Rule, content: Content) -> bool:
    """True when one of the rule's exceptions covers the hit."""
    if not rule.exceptions or hit.start is None or hit.end is None:
        return False
    text = content.pieces[hit.piece].text
    value = value_key(text[hit.start : hit.end])
    for exception in rule.exceptions:
        if value == value_key(exception) or (
            rule.type == "PHONE" and _same_number(exception, text[hit.start : hit.end])
        ):
            return True
        pattern = _occurrences(exception)
        if pattern is None:
            continue
        # Only the first view, which is the text itself folded: an exception is written plainly or it is none.
        view = content.folded(hit.piece).words[0]
        if inside(hit.start, hit.end, (view.span(m.start(), m.end()) for m in pattern.finditer(view.text))):
            return True
    return False


@lru_cache(maxsize=4096)
def _same_number(exception: str, written: str) -> bool:
    """True when both are one telephone number: ``+1 800 555 0100`` is ``(800) 555-0100`` to whoever dials in its country."""
    import phonenumbers  # noqa: PLC0415 - most policies have no such exception

    exception, written = fold_term(exception), fold_term(written)
    calling = re.match(r"\s*(?:\+|00)", exception)
    if calling is None and re.match(r"\s*(?:\+|00)", written):
        exception, written, calling = written, exception, re.match(r"", "")
    if calling is None:
        digits = [re.sub(r"\D", "", v).lstrip("0") for v in (exception, written)]
        return len(digits[0]) > 6 and digits[0] == digits[1]
    try:
        known = phonenumbers.parse("+" + re.sub(r"^\s*(?:\+|00)", "", exception), None)
        region = phonenumbers.region_code_for_country_code(known.country_code or 0)
        other = phonenumbers.parse(re.sub(r"^\s*00", "+", written), region)
    except phonenumbers.NumberParseException:
        return False
    keys = [(n.country_code, n.national_number, n.extension or "") for n in (known, other)]
    return keys[0] == keys[1]


_STRENGTH = {None: 0, RuleAction.DETECT: 0, RuleAction.MASK: 1, RuleAction.BLOCK: 2}


def unclaimed(
    hits: Sequence[Hit], rules: Mapping[str, Rule], specs: Mapping[str, DetectorSpec], source: Source
) -> list[Hit]:
    """The hits without those of competing detectors that lie inside a hit of one that claims its place: an author's own regex comes
    before a built-in type of the same place. ``specs``: the traits of the rules' detectors.

    A hit stays when it does more than the other (it blocks, the other masks), or when a parent enforces its rule.
    """
    own = [
        (h.piece, h.start, h.end or 0, _STRENGTH[rules[h.rule].action(source)])
        for h in hits
        if h.start is not None and specs[rules[h.rule].detector].claims
    ]
    if not own:
        return list(hits)

    def claimed(hit: Hit) -> bool:
        rule = rules[hit.rule]
        if not specs[rule.detector].competing or rule.enforced or hit.start is None:
            return False
        strength = _STRENGTH[rule.action(source)]
        return any(
            p == hit.piece and start <= hit.start and (hit.end or 0) <= end and strength <= as_strong
            for p, start, end, as_strong in own
        )

    return [h for h in hits if not claimed(h)]
