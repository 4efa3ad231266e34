"""Which requests are inspected, and in which format."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.types import Scope

from guardrails.asgi.paths import plain, routed
from guardrails.asgi.settings import Agents, Settings
from guardrails.wire import form_class, recognise
from guardrails.wire.format import Format
from guardrails.wire.limits import Malformed
from guardrails.wire.listing import Page
from guardrails.wire.opaque import is_opaque, is_personal

__all__ = ["Found", "Routing", "query_of"]

# Formats of a route, each with the route's parameters.
Found = Sequence[tuple[type[Format], dict[str, str]]]

# Paths whose formats are remembered: an application has few, and a client can invent any number.
_KEPT, _KEPT_LENGTH = 1_000, 256
# Names of parameters: Google's begin with a dollar sign, and lists end with brackets.
_KEY = re.compile(r"[A-Za-z0-9_.:$-]{1,64}(?:\[\])?")


class Routing:
    """The routes of one application, as its settings want them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kept: OrderedDict[tuple[str, str], Found] = OrderedDict()

    def is_exempt(self, method: str, path: str) -> bool:
        """Whether a request passes without a look."""
        return any(e.fits(method, path) for e in self._settings.exempt)

    def place(self, scope: Scope, path: str) -> tuple[Scope, str, bool]:
        """The request as it is inspected and forwarded, its path, and whether it is exempt. The path is plain, unless the
        application has a route of exactly the path that came."""
        method: str = scope["method"]
        if self.is_exempt(method, path):
            return scope, path, True
        if plain(path) == path or routed(scope, path):
            return scope, path, False
        path = plain(path)
        scope = {**scope, "path": unquote(path)} | ({"raw_path": path.encode()} if scope.get("raw_path") else {})
        return scope, path, self.is_exempt(method, path)

    def formats(self, method: str, path: str) -> Found:
        """The formats that a body of this route may have; none for a route that no format knows."""
        named = self._settings.formats.get(f"{method} {path}")
        if named is not None:
            return self._directed([(named, {})])
        path = plain(path)
        found = self._kept.get((method, path))
        if found is None:
            found = self._directed(recognise(method, path, self._settings.forms))
            if not found and method == "GET" and self._settings.inspect_gets:
                found = [(Page, {})]
            if len(path) <= _KEPT_LENGTH:
                self._kept[method, path] = found
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return found

    def _directed(self, found: Found) -> Found:
        """The formats, each with the direction that agents of others have where that is set."""
        if self._settings.a2a is not Agents.CALLED:
            return found
        return [(form_class(form.called) if form.called is not None else form, params) for form, params in found]

    def table(self, routes: Iterable[Any]) -> list[tuple[str, str, str]]:
        """What happens to each route of an application: method, path, and ``inspected as <format>``, ``exempt`` or ``refused``."""
        out: list[tuple[str, str, str]] = []
        for route in routes:
            path = getattr(route, "path", None)
            if path is None:
                continue
            for method in sorted(getattr(route, "methods", None) or ("*",)):
                if method != "HEAD":
                    out.append((method, path, self._fate(method, path)))
        return out

    def _fate(self, method: str, path: str) -> str:
        """What happens to the requests of a route."""
        exempt = self._settings.exempt
        if any((e.method, e.template) == (method, path) or e.fits(method, path) for e in exempt):
            return "exempt"
        found = self.formats(method, path.replace("{", "").replace("}", ""))
        return f"inspected as {found[0][0].name}" if found else "refused"


def query_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """The query's parameters, each once and none a text: nobody inspects a query. Raises Malformed (400)."""
    raw: bytes = scope.get("query_string", b"")
    if not raw:
        return {}
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=32
        )
    except ValueError:
        raise Malformed(400, "the query cannot be read") from None
    query = dict(pairs)
    names = [k for k, _ in pairs if not k.endswith("[]")]
    if len(set(names)) != len(names):
        raise Malformed(400, "a parameter of the query stands there twice")
    if not all(
        _KEY.fullmatch(k) and not is_personal(k) and all(is_opaque(part) for part in re.split("[;,]", v))
        for k, v in pairs
    ):
        raise Malformed(400, "a parameter of the query is no id or number; texts belong into the body")
    return query
