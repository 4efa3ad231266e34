"""Names of tools and the patterns that stand for them (``*``: any characters, ``?``: one).

What permits must match a name exactly; what forbids matches it after folding, so that another spelling is no way around. Coding agents
call the tools of MCP servers ``mcp__SERVER__TOOL``: then the name says whose tool it is, and rules may name either.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from fnmatch import fnmatchcase

from guardrails.calls import Call
from guardrails.fold import fold_term

__all__ = ["exactly", "loosely", "named", "spelled"]

# Camel case and the signs that APIs put between words.
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[\s._/:\\-]+")
# The server is the first part, as for the agents themselves.
_OF_SERVER = re.compile(r"mcp__(.+?)__(.+)", re.DOTALL)


def named(call: Call) -> tuple[str | None, str]:
    """The server of a call and its tool's own name there; None where nobody says whose tool it is, empty for a tool of none."""
    if call.server is not None:
        return call.server, call.name
    found = _OF_SERVER.fullmatch(call.name)
    return (None, call.name) if found is None else (found[1], found[2])


def exactly(patterns: Iterable[str], server: str | None, call: Call) -> bool:
    """Whether one of the patterns matches the name as it is written; a pattern for the server must match too, and only beside one
    does the name count without its server."""
    whose, own = named(call)
    if server is not None and not (whose and _glob(server, whose)):
        return False
    names = {call.name, own} if server is not None else {call.name}
    return any(_glob(pattern, name) for pattern in patterns for name in names)


def loosely(patterns: Iterable[str], server: str | None, call: Call) -> bool:
    """Whether one of the patterns matches some spelling of the name, with its server or without. A call whose server nobody knows may
    be any server's."""
    for whose, own in _readings(call):
        if server is not None and whose is not None and not (whose and _alike(server, whose)):
            continue
        if any(_alike(pattern, name) for pattern in patterns for name in {call.name, own}):
            return True
    return False


def _readings(call: Call) -> list[tuple[str | None, str]]:
    """Whose tool a name may mean, and which: every place where the server's name may end."""
    plain = _visible(call.name)
    if call.server is not None or plain[:5].lower() != "mcp__":
        return [(call.server, call.name)]
    parts = plain[5:].split("__")
    cuts = (("__".join(parts[:i]), "__".join(parts[i:])) for i in range(1, len(parts)))
    return [(server, tool) for server, tool in cuts if server and tool] or [(None, call.name)]


def spelled(name: str) -> str:
    """What all spellings of a name have in common: letters, digits, and nothing between them."""
    return _folded(name).replace("_", "")


def _alike(pattern: str, name: str) -> bool:
    if _glob(pattern, name) or _glob(_folded(pattern), _folded(name)):
        return True
    return spelled(pattern) == spelled(name)


def _folded(name: str) -> str:
    """A name with its words in small letters and one sign between them."""
    return _BETWEEN.sub("_", fold_term(_CAMEL.sub("_", _visible(name)))).strip("_")


def _visible(name: str) -> str:
    if name.isascii() and name.isprintable():
        return name
    return "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) not in ("Cf", "Cc"))


def _glob(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern.replace("[", "[[]"))
