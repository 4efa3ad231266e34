"""Pages from templates. Every sentence that a reader sees is in ``texts.toml``; templates hold none."""

from __future__ import annotations

import gzip
import hashlib
import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

__all__ = ["ROOMS", "STATIC", "digest_of", "packed", "page", "texts", "visible"]

# In the order in which they stand on every page; the first is where an author arrives.
ROOMS = ("try", "write", "calibrate", "review", "release")

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
# Shown as their code point, so that none acts on the page: control, format (bidi), surrogates, private, unassigned, separators.
_ODD = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


@cache
def texts() -> dict[str, Any]:
    """The catalogue of texts, by room."""
    return tomllib.loads((_HERE / "texts.toml").read_text(encoding="utf-8"))


@cache
def digest_of(name: str) -> str:
    """The first characters of a static file's sha256: its address changes with its content."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:16]


def visible(text: str) -> Markup:
    """Text for a page: what would act on its neighbours, or cannot be seen, as its code point."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return escape(text)
    out: list[str] = []
    for char in text:
        if char not in "\n\t" and unicodedata.category(char) in _ODD:
            out.append(Markup('<span class="odd">U+{}</span>').format(f"{ord(char):04X}"))
        else:
            out.append(escape(char))
    return Markup("").join(out)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["visible"] = visible
    made.globals["digest_of"] = digest_of
    return made


def page(request: Request, template: str, status: int = 200, *, room: str = "", **values: Any) -> Response:
    """The page, or a part of one, that a template makes of ``values``."""
    html = (
        _environment()
        .get_template(template)
        .render(
            base=request.scope.get("root_path", "").rstrip("/"),
            nonce=request.state.nonce,
            token=request.state.token,
            t=texts(),
            rooms=ROOMS,
            room=room,
            **values,
        )
    )
    return HTMLResponse(html.encode("utf-8", "replace"), status)


def packed(request: Request, data: bytes, kind: str, keep: str) -> Response:
    """An answer of gzipped bytes, for browsers that take them so; ``keep`` says for how long. Never of what is secret: its size would tell."""
    headers = {"cache-control": keep, "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(data, media_type=kind, headers=headers | {"content-encoding": "gzip"})
    return Response(gzip.decompress(data), media_type=kind, headers=headers)
