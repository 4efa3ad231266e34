"""Vaults for tests, and what an independent reader would fetch from a text."""

from __future__ import annotations

import contextlib
import re
from html import unescape
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from guardrails.rules import Mask, MaskStyle, Rule
from guardrails.types import RuleAction
from guardrails.vault import Vault
from tests.core.policies import pii_rule

NAME, EMAIL, AGE = "Zoëcanary Quux", "post.box@example.com", "q93z years"
TYPED = "https://typed.example/?q="


def restoring(entity: str, *places: str, **more: object) -> Rule:
    return pii_rule(entity, mask=Mask(MaskStyle.NUMBERED, restore=True, restore_in=places), **more)


def numbered(entity: str) -> Rule:
    return pii_rule(entity, mask=Mask(MaskStyle.NUMBERED))


def vault(*places: str) -> Vault:
    """With {NAME_1}, {EMAIL_1}, {URL_1} and {AGE_1}."""
    out = Vault((), [restoring(t, *places) for t in ("NAME", "EMAIL", "URL", "AGE")])
    for type_, value in (("NAME", NAME), ("EMAIL", EMAIL), ("URL", TYPED), ("AGE", AGE)):
        assert out.number(type_, value) == 1
    return out


class _Attributes(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def read(self, text: str) -> list[str]:
        with contextlib.suppress(AssertionError):  # the parser gives up on <![x
            self.feed(text)
        return self.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for _, value in attrs]
        self.found.append(tag)


# Addresses as programs without a grammar see them, in text as written and with entities undone: to the next blank. Not
# \s, since to some of them other blanks than ASCII's are characters like any.
_RUN = re.compile(r"[^ \t\r\n\f]+")
_BARE = re.compile(
    r"^[^\w]*[a-z][a-z0-9+.\-]*:[^<]*\w|www\.|//|\\\\|\w[.．｡]\w|\w。[a-z]|\w/|@|[?&]\w*=|.=|[$#]", re.IGNORECASE
)
# And what goes on over blanks, to its closer: destinations, labels (a value chooses among definitions), tags, raw text.
_WIDE = [
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"\]\((?:\\.|[^()\\]|\([^()]*\))*\)?",
        r"\]:\s*(?:> *)?\S+",
        r"\[(?:\\.|[^\[\]\\]){0,999}\]",
        r"<[a-z/!?][^>]*",
        r"<(style|script).*?</\1",
        r"\\(?:href|url)[^}]*",
    )
]


def fetched(text: str) -> list[str]:
    """Everything in the text that a reader's program could take for an address, or a part of one."""
    out = [run for form in (text, unescape(text)) for run in _RUN.findall(form) if _BARE.search(run)]
    out += [m.group() for pattern in _WIDE for m in pattern.finditer(text)]
    for token in MarkdownIt("commonmark", {"html": True}).parse(text):
        for child in (token, *(token.children or ())):
            out += [str(v) for k, v in child.attrs.items() if k in ("href", "src")]
            if child.type in ("html_inline", "html_block"):
                out += _Attributes().read(child.content)
    return out + _Attributes().read(text)


__all__ = ["AGE", "EMAIL", "NAME", "TYPED", "RuleAction", "fetched", "numbered", "restoring", "vault"]
