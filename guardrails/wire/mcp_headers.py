"""Headers by which MCP's HTTP transport repeats parts of a message, for whoever routes without reading bodies.

``Mcp-Method``, ``Mcp-Name``, ``MCP-Protocol-Version`` and ``Mcp-Param-*`` (revision 2026-07-28, Streamable HTTP). What a header says
must be what the body says: then it was inspected there. One that repeats an argument is written anew when the argument is.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.wire.limits import Malformed

__all__ = ["Mirrored", "decoded", "encoded"]

Headers = list[tuple[bytes, bytes]]
_Path = tuple[str | int, ...]

_METHOD, _NAME, _VERSION, _PARAM = b"mcp-method", b"mcp-name", b"mcp-protocol-version", b"mcp-param-"
_NAMES = ("name", "uri", "taskId")
_SENTINEL = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)
_PLAIN = re.compile(r"[\x20-\x7e]*")
_VERSIONED = "io.modelcontextprotocol/protocolVersion"


class Mirrored:
    """The headers that repeat one message, and the places in it that they repeat."""

    def __init__(self, message: Mapping[str, Any]) -> None:
        params = message.get("params")
        self._params: Mapping[str, Any] = params if isinstance(params, dict) else {}
        self._method = message.get("method")
        self._places: dict[bytes, list[_Path]] = {}

    def verify(self, headers: Headers) -> None:
        """Raises Malformed (400, ``header_mismatch``) for a header that says what the body does not."""
        names = [k for k, _ in headers if k in (_METHOD, _NAME, _VERSION) or k.startswith(_PARAM)]
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                raise _mismatch(name, "stands there twice")
        given = dict(headers)
        if _METHOD in given and given[_METHOD].decode("latin-1") != self._method:
            raise _mismatch(_METHOD, "is not the body's method")
        if _NAME in given and decoded(given[_NAME]) not in [self._params[k] for k in _NAMES if k in self._params]:
            raise _mismatch(_NAME, "is not the name, address or task in the body")
        meta = self._params.get("_meta")
        version = meta.get(_VERSIONED) if isinstance(meta, dict) else None
        if version is not None and _VERSION in given and given[_VERSION].decode("latin-1") != version:
            raise _mismatch(_VERSION, "is not the revision in the body")
        values = list(_scalars(self._params.get("arguments")))
        for name in names:
            if name.startswith(_PARAM):
                said = decoded(given[name])
                self._places[name] = [path for path, value in values if value == said]
                if not self._places[name]:
                    raise _mismatch(name, "is no argument in the body")

    def renewed(self, headers: Headers) -> Headers:
        """The headers with what the message says now. One that repeats places which differ now is left out."""
        out: Headers = []
        for name, value in headers:
            if name not in self._places:
                out.append((name, value))
                continue
            said = {_scalar(_at(self._params.get("arguments"), path)) for path in self._places[name]}
            if len(said) == 1 and (new := said.pop()) is not None:
                out.append((name, value if new == decoded(value) else encoded(new)))
        return out


def decoded(value: bytes) -> str | None:
    """What a header says; None for base64 that is damaged."""
    text = value.decode("latin-1").strip()
    wrapped = _SENTINEL.fullmatch(text)
    if wrapped is None:
        return text
    try:
        data = base64.b64decode(wrapped[1], validate=True)
        return data.decode("utf-8") if base64.b64encode(data).decode() == wrapped[1] else None
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def encoded(text: str) -> bytes:
    """A text as a header: as it is where a header can say it, else in base64."""
    if _PLAIN.fullmatch(text) and text == text.strip() and not _SENTINEL.fullmatch(text):
        return text.encode("ascii")
    return b"=?base64?" + base64.b64encode(text.encode("utf-8")) + b"?="


def _mismatch(name: bytes, why: str) -> Malformed:
    return Malformed(400, f"the header {name.decode('latin-1')[:60]} {why}", "header_mismatch")


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _scalars(value: Any, path: _Path = ()) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _scalars(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _scalars(inner, (*path, index))
    elif (text := _scalar(value)) is not None:
        yield path, text
        if isinstance(value, float) and value.is_integer():  # other writers of JSON leave the fraction out
            yield path, str(int(value))


def _at(value: Any, path: _Path) -> Any:
    for key in path:
        value = value[key]
    return value
