"""Which types are looked for in ids, and what else must be true of a match there.

The ids of every API are random letters and digits, and chance must not make a telephone of them: only types whose form alone is
proof are among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from guardrails.types import Hit

__all__ = ["CERTAIN"]


def _grouped_card(text: str, hit: Hit, credential: bool) -> bool:  # noqa: ARG001 - as the others
    """Written as on the card: 4-4-4-4 or 4-6-5. Sixteen digits in a row are a timestamp or a counter as well."""
    return _CARD.fullmatch(text, hit.start or 0, hit.end or 0) is not None


def _grouped(text: str, hit: Hit, credential: bool) -> bool:  # noqa: ARG001 - as the others
    """Digits in groups, and nothing grown together with them."""
    start, end = hit.start or 0, hit.end or 0
    return not text[start:end].isdigit() and not text[max(0, start - 2) : start].rstrip("-._:/#=")[-1:].isdigit()


def _international(text: str, hit: Hit, credential: bool) -> bool:  # noqa: ARG001 - as the others
    return text[hit.start] == "+" if hit.start is not None else False


def _secret(text: str, hit: Hit, credential: bool) -> bool:  # noqa: ARG001 - as the others
    """Not in a parameter that is there for it."""
    return not credential


def _strong_secret(text: str, hit: Hit, credential: bool) -> bool:  # noqa: ARG001 - as the others
    """A format of its own (``sk-proj-…``), and not what stands behind a word for it."""
    return not credential and hit.score >= 0.85


def _always(text: str, hit: Hit, credential: bool) -> bool:  # noqa: ARG001 - as the others
    return True


_CARD = re.compile(r"\d{4}([-./:])\d{4}\1\d{4}\1\d{4}|\d{4}([-./:])\d{6}\2\d{5}")
# By type: whether a match in an id counts; ``credential``: the id is a parameter by which a client identifies itself.
CERTAIN: dict[str, Callable[[str, Hit, bool], bool]] = {
    "EMAIL": _always,
    "AWS_ACCESS_KEY": _secret,
    "API_KEY": _strong_secret,
    "PRIVATE_KEY": _secret,
    "JWT": _secret,
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": _always,
    "CREDIT_DEBIT_CARD_NUMBER": _grouped_card,
    "US_SOCIAL_SECURITY_NUMBER": _grouped,
    "PHONE": _international,
}
