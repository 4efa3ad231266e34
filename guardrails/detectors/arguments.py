"""Arguments of calls: the values of one, read the way the programs behind a tool may read them as hosts, paths and amounts.

What reads a value returns all of its readings, and None for a value that cannot be read with certainty.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from urllib.parse import unquote, urlsplit

__all__ = ["amounts", "below", "found_at", "host_in", "hosts", "paths"]

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_PORT = re.compile(r":\d{1,5}$")
_LIST = re.compile(r"[,;]")
_DISPLAYED = re.compile(r"[^<>]*<([^<>]+)>\s*")
# What an amount may be written with: a sign, a currency (its code or its sign), digits and what groups them, an exponent.
_AMOUNT = re.compile(r"(?:[A-Z]{3}\s?)?[+-]?\s?(?P<number>\d[\d.,'_ ]*(?:[eE][+-]?\d{1,4})?)\s?(?:[A-Z]{3})?", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:")
_FILE = re.compile(r"file:(?://(?:localhost)?(?=/))?", re.IGNORECASE)
_DECODINGS = 4


def hosts(value: object) -> list[str] | None:
    """The hosts of an address, a URL, a bare host, or a list of them with commas."""
    if not isinstance(value, str) or not value.strip() or _odd(value) or "\\" in value:
        return None
    if "://" in value or value.lstrip().startswith("//"):
        found = [_of_url(value.strip())]
    else:
        found = [_of_address(part.strip()) for part in _LIST.split(value) if part.strip()]
    named = [host for host in found if host is not None]
    return named if named and len(named) == len(found) else None


def _of_url(url: str) -> str | None:
    """The host of a URL; None with a user in it, or anything that readers of URLs read in different ways."""
    if any(c.isspace() for c in url):
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    return None if host is None or "@" in parts.netloc or "%" in parts.netloc else _plain(host)


def _of_address(address: str) -> str | None:
    shown = _DISPLAYED.fullmatch(address)
    address = (shown.group(1).strip() if shown else address).removeprefix("mailto:")
    if any(c.isspace() for c in address) or any(c in address for c in "?#%<>\"'()"):
        return None
    if "@" in address:
        name, _, host = address.partition("@")
        return _plain(host) if name and "@" not in host else None
    return _plain(_PORT.sub("", address.partition("/")[0]))


def _plain(host: str) -> str | None:
    """A host as the network knows it, in small ASCII letters."""
    if ":" in host:  # an IPv6 address
        return host.lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    host = host.lower().removesuffix(".")
    return host if _HOST.fullmatch(host) and ".." not in host else None


def host_in(host: str, allowed: str) -> bool:
    """Whether a host is the allowed one; ``*.acme.com`` allows all hosts below acme.com, not acme.com itself."""
    allowed = allowed.lower().removesuffix(".")
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed


def paths(value: object) -> list[str] | None:
    """The readings of a path, each without ``.`` and ``..``; one that leaves its own beginning cannot be read."""
    if not isinstance(value, str) or not value or _odd(value):
        return None
    found: dict[str, None] = {}
    for text in _spelled(value):
        if text.startswith("~") or _odd(text):
            return None
        path = _resolved(text)
        if path is None:
            return None
        found[path] = None
    return list(found) or None


def _spelled(value: str) -> Iterator[str]:
    """What programs may make of a path: as it is written, decoded, with compatible characters, with slashes of the other kind."""
    text = _FILE.sub("", value, count=1)
    for _ in range(_DECODINGS):
        if not _DRIVE.match(text):  # where paths have drives, both kinds of slash part steps
            yield text
        yield text.replace("\\", "/")
        yield unicodedata.normalize("NFKC", text).replace("\\", "/")
        decoded = unquote(text)
        if decoded == text:
            return
        text = decoded
    yield "~"  # encoded again and again


def _resolved(path: str) -> str | None:
    """A path without steps back; None where they lead out of its beginning, or a step is one to some systems only."""
    drive = _DRIVE.match(path)
    if drive is not None:
        path = path[:2].lower() + path[2:]
    start = "/" if path.startswith("/") else ""
    out: list[str] = []
    for step in path.split("/"):
        if step in ("", "."):
            continue
        if step == "..":
            if not out:
                return None
            out.pop()
        elif not step.strip(". "):
            return None  # dots and blanks: nothing here, a step back there
        else:
            out.append(step)
    return start + "/".join(out) or "."


def below(path: str, root: str) -> bool:
    """Whether a path that :func:`paths` has read is the root or lies below it. A relative path lies below ``.`` alone, or a relative root."""
    top = _resolved(root.replace("\\", "/"))
    if top is None:
        return False
    if top == ".":
        return not path.startswith("/") and not _DRIVE.match(path)
    return path == top or path.startswith(top.rstrip("/") + "/")


def amounts(value: object) -> list[Decimal] | None:
    """The readings of an amount, without its sign: ``1.000`` is one and a thousand."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return [abs(Decimal(value))]
    if isinstance(value, float):
        number = Decimal(repr(value))
        return [abs(number)] if number.is_finite() else None
    if not isinstance(value, str):
        return None
    text = unicodedata.normalize("NFKC", value).replace("\u2212", "-").strip()
    bare = "".join(c for c in text if unicodedata.category(c) != "Sc").strip()
    written = _AMOUNT.fullmatch(bare)
    if written is None:
        return None
    number_text = re.sub(r"['_ ]", "", written.group("number"))
    readings = (_number(number_text, ".", ","), _number(number_text, ",", "."))
    return [one for one in dict.fromkeys(readings) if one is not None] or None


def _number(text: str, point: str, groups: str) -> Decimal | None:
    try:
        return abs(Decimal(text.replace(groups, "").replace(point, ".")))
    except InvalidOperation:
        return None


def _odd(text: str) -> bool:
    """Whether a text has characters that nobody sees: some readers drop them."""
    return any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for c in text)


def found_at(arguments: object, path: str) -> Iterator[object]:
    """The single values of an argument: ``message.to`` lies in an object; of a list or object, everything in it.

    A key counts in any spelling that differs in case, blanks or signs between words: some tools read it so.
    """
    if isinstance(arguments, list):
        for item in arguments:
            yield from found_at(item, path)
        return
    if not isinstance(arguments, Mapping):
        return
    head, _, rest = path.partition(".")
    for key, value in arguments.items():
        if _key(key) == _key(path):
            yield from _leaves(value)
        elif rest and _key(key) == _key(head):
            yield from found_at(value, rest)


def _key(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum() or c == ".")


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        for inside in value.values():
            yield from _leaves(inside)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield value
