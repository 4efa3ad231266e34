"""Texts without their identifiers: an account number in a message says nothing about what the message wants.

The models were trained on few messages that carry card, account or telephone numbers, and such a run of characters looks to
them like the odd strings of attacks. Before a message is stopped it is read once more with plain words in their place.
"""

from __future__ import annotations

import re

__all__ = ["without_identifiers"]

_MAIL = r"[\w.+%'\-]{1,40}@[\w\-]{1,40}(?:\.[\w\-]{2,24}){1,4}"
# Runs that begin with letters (IBAN, passport), and runs of digits as cards, accounts and telephones are written.
_CODE = r"(?<![\w@])[A-Z]{1,4}[ \-]?\d(?:[ .\-]?[A-Z0-9]){4,36}(?![\w@])"
_DIGITS = r"(?<![\w@])[+(]{0,2}\d(?:[ ().\-/]{0,2}\d){5,33}(?:[ \-]?[A-Z])?(?![\w@])"
_IDENTIFIER = re.compile(f"(?P<mail>{_MAIL})|{_CODE}|{_DIGITS}")
# More of them are a table, or a message written in numbers.
_MOST = 8
_WORD = re.compile(r"[^\W\d_]{2,}")


def without_identifiers(text: str) -> str | None:
    """The text with plain words for its identifiers; None when it has none, or is little else.

    Only what is mostly digits counts, and addresses for mail: nothing that could be a word of an instruction.
    """
    replaced = 0

    def plain(match: re.Match[str]) -> str:
        nonlocal replaced
        value = match.group()
        if match["mail"] is None and sum(c.isdigit() for c in value) * 2 < sum(c.isalnum() for c in value):
            return value
        replaced += 1
        return "my number" if match["mail"] is None else "my address"

    plainer = _IDENTIFIER.sub(plain, text)
    if not 0 < replaced <= _MOST or len(_WORD.findall(text)) < 2:
        return None
    return plainer
