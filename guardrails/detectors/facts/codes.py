"""Telephone numbers, addresses of pages and mail, part numbers, error codes and versions: what is right letter by letter."""

from __future__ import annotations

import re

from guardrails.detectors.facts.values import Value

__all__ = ["codes", "normal"]

_PATTERNS = (
    re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"),
    re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]{2,200}", re.IGNORECASE),
    re.compile(
        r"(?<![\w.@-])(?:[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\.){1,4}(?:com|org|net|io|dev|app|example|eu|uk|de|gov|edu|info|biz|co)(?![\w-])(?:/[\w./-]{0,80})?",
        re.IGNORECASE,
    ),
    # A telephone number: seven digits and more in groups.
    re.compile(r"(?<![\w.,])(?:\+|\(0|0)\d{0,3}\)?(?:[ ()/.-]{0,2}\d{1,5}){2,6}(?![\w,])"),
    re.compile(r"(?<![\w.,])\(?\d{3}\)?[ -]\d{3}-\d{4}(?!\w)"),
    re.compile(r"(?<![\w.,])1?-?8\d\d-\d{3}-\d{4}(?!\w)"),
    # A version of three parts.
    re.compile(r"(?<![\w.])v?\d+\.\d+\.\d+(?:\.\d+)?(?![\w.]\w)"),
    # Letters and digits in one word: E1, TF-20, ISO-9001, 1A, XR200.
    re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])[A-Z0-9]+(?:-[A-Z0-9]+)*(?![\w-])"),
    re.compile(r"(?<![\w])24/7(?!\w)"),
)
_NOT = re.compile(r"\d+(?:[A-Z]|AM|PM|KM|KG|GB|MB|TB|KW|MM|CM|ML|KB|HZ|GHZ|MHZ|K|M|USD|EUR|GBP)|\d+(?:ST|ND|RD|TH)|(?:19|20)\d\d(?:-\d\d){1,2}|\d+H\d+", re.IGNORECASE)  # fmt: skip
_DAY = re.compile(r"\d{4}-\d\d?-\d\d?|\d\d?[./-]\d\d?[./-]\d{2,4}")


def normal(text: str) -> str:
    """Letters and digits only, lower case."""
    return "".join(c for c in text.casefold() if c.isalnum())


def codes(text: str) -> list[Value]:
    """The codes of a text by place; none overlap."""
    out: list[Value] = []
    for pattern in _PATTERNS:
        for m in pattern.finditer(text):
            said = m[0].rstrip(".,;:-")
            digits = sum(c.isdigit() for c in said)
            if pattern is _PATTERNS[3] and digits < 7:
                continue
            if pattern is _PATTERNS[7] and _NOT.fullmatch(said) and not re.fullmatch(r"\d[A-Z]", said):
                continue
            if _DAY.fullmatch(said) or not said:
                continue
            if not any(o.start < m.start() + len(said) and m.start() < o.end for o in out):
                key = normal(said.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/"))
                out.append(Value(m.start(), m.start() + len(said), "code", code=key))
    return sorted(out, key=lambda v: v.start)
