"""Names of tools and the patterns that stand for them (``*``: any characters, ``?``: one).

What permits must match a name exactly; what forbids matches it after folding, so that another spelling is no way around.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from fnmatch import fnmatchcase

from guardrails.calls import Call
from guardrails.fold import fold_term

__all__ = ["exactly", "loosely"]

# Camel case and the signs that APIs put between words.
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[\s._/:\\-]+")


def exactly(patterns: Iterable[str], server: str | None, call: Call) -> bool:
    """Whether one of the patterns matches the name as it is written; a pattern for the server must match too."""
    if server is not None and (call.server is None or not _glob(server, call.server)):
        return False
    return any(_glob(pattern, call.name) for pattern in patterns)


def loosely(patterns: Iterable[str], server: str | None, call: Call) -> bool:
    """Whether one of the patterns matches some spelling of the name. A call whose server nobody knows may be any server's."""
    if server is not None and call.server is not None and not _alike(server, call.server):
        return False
    return any(_alike(pattern, call.name) for pattern in patterns)


def _alike(pattern: str, name: str) -> bool:
    if _glob(pattern, name) or _glob(_folded(pattern), _folded(name)):
        return True
    return _folded(pattern).replace("_", "") == _folded(name).replace("_", "")


def _folded(name: str) -> str:
    """A name with its words in small letters and one sign between them."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) not in ("Cf", "Cc"))
    return _BETWEEN.sub("_", fold_term(_CAMEL.sub("_", plain))).strip("_")


def _glob(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern.replace("[", "[[]"))
