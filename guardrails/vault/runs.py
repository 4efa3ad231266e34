"""Whether a run of characters without a blank can be an address once its placeholders are restored.

A list of what addresses look like is never complete, so this is the other list: what prose looks like. A run is restored
only when everything in it, values included, is letters, digits and the punctuation of sentences, in places where
sentences have it. What stays masked by mistake can be read; what is carried away cannot be taken back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["harmless", "in_address"]

# Tags without attributes fetch nothing: <td>{NAME_1}</td>. What stands between these two does.
_BARE_TAG = re.compile(r"</?(?!script|style)[a-z][a-z0-9]{0,15}/?>", re.IGNORECASE)
# After a dot or a question mark no word follows in the same run, and none after `word:`: else it could be a host, a
# query or a scheme. Full-width and one-dot-leader dots are dots to a resolver.
_JOINT = re.compile(r"[.．｡․?]|(?<=[A-Za-z0-9+\-.]):")
_WORD = re.compile(r"[^\W_]")
# A blank that is none to a parser of addresses: `mailto:` and a no-break space is the beginning of one all the same.
_SCHEME = re.compile(r"(?<=[A-Za-z0-9+\-.]):[^\S \t\r\n\f]\s*[^\W_]")
# The ideographic full stop ends sentences, and parts labels of a host; Han, kana and Hangul after it are a sentence.
_STOP = re.compile(r"。(?![\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7a3])[^\W_]")
_MARKDOWN = re.compile(r"\]\(|\]:")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]")
_ASCII = frozenset("!\"'()*,-.:;?[]_`{|}~ \t\r\n")
_PROSE = ("L", "M", "N", "Zs", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sc", "So")
_NEVER = frozenset("/\\@&#%<>=$+^\u2044\u2215")
_ADDRESS = re.compile(r"//|\bwww\.|\bmailto:|[?&][\w.\-]*=", re.IGNORECASE)


@lru_cache(maxsize=8192)
def _prose(char: str) -> bool:
    if char.isascii():
        return char.isalnum() or char in _ASCII
    return unicodedata.category(char).startswith(_PROSE) and _NEVER.isdisjoint(unicodedata.normalize("NFKC", char))


def _plain(text: str) -> bool:
    if not all(map(_prose, text)) or any(p.search(text) for p in (_MARKDOWN, _STOP, _SCHEME)):
        return False
    for part in text.split():  # a value may hold blanks, and what follows one is no host and no path
        joint = _JOINT.search(part)
        if joint is not None and _WORD.search(part, joint.end()):
            return False
    return True


def harmless(literals: Sequence[str], values: Sequence[str]) -> bool:
    """True when a run may be restored: ``literals`` is its own text around and between the placeholders' ``values``."""
    so_far = ""
    parts = [literals[0]]
    for value, literal in zip(values, literals[1:], strict=True):
        so_far += parts[-1]
        if so_far.rfind("[") > so_far.rfind("]"):
            return False  # a label, see guardrails.vault.markup
        so_far += value
        parts += [value, literal]
    if all(map(_plain, values)):
        # Each literal on its own: a tag must not be made of a value.
        return _plain("".join(_BARE_TAG.sub("", p) if i % 2 == 0 else p for i, p in enumerate(parts)))
    # A value that has the marks of an address itself (a mail address, a date, a phone number) stands alone between signs: an
    # address that somebody typed must not get another value, or a word, for its path.
    if len(values) > 1:
        return False
    bare = [_BARE_TAG.sub("", literal) for literal in literals]
    return _plain("x".join(bare)) and not any(map(_ASCII_WORD.search, bare))


def in_address(before: str) -> bool:
    """True when the text before a placeholder in its run is the beginning of an address."""
    return _ADDRESS.search(before) is not None
