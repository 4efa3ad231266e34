"""Values an author has declared harmless for one rule: our own phone number, a brand name.

An exception excuses a hit when the hit *is* that value (compared folded, letters and digits only), or lies inside an
occurrence of it ("Dick's Sporting Goods"). It never excuses more than itself, and never an enforced rule of a parent:
the policy loader refuses that.
"""

from __future__ import annotations

import re
from functools import lru_cache

from guardrails.content import Content
from guardrails.fold import fold_term
from guardrails.rules import Rule
from guardrails.spans import inside
from guardrails.types import Hit

__all__ = ["excused", "value_key"]


@lru_cache(maxsize=4096)
def _folded(term: str) -> str:
    return fold_term(term).strip()


def value_key(value: str) -> str:
    """A value reduced to what identifies it: folded letters and digits; the folded value when it has none."""
    folded = fold_term(value)
    return "".join(c for c in folded if c.isalnum()) or folded


def excused(hit: Hit, rule: Rule, content: Content) -> bool:
    """True when one of the rule's exceptions covers the hit."""
    if not rule.exceptions or hit.start is None or hit.end is None:
        return False
    text = content.pieces[hit.piece].text
    value = value_key(text[hit.start : hit.end])
    for exception in rule.exceptions:
        if value == value_key(exception):
            return True
        term = _folded(exception)
        if not term:
            continue
        pattern = re.compile(r"(?<!\w)" + re.escape(term).replace(r"\ ", r"\s+") + r"(?!\w)")
        # Only the first view, which is the text itself folded: an exception is written plainly or it is none.
        view = content.folded(hit.piece).words[0]
        if inside(hit.start, hit.end, (view.span(m.start(), m.end()) for m in pattern.finditer(view.text))):
            return True
    return False
