"""How a caller may show who he is: the section ``resolve`` of tenants.yaml."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from guardrails.policy.reader import Reader
from guardrails.policy.source import Node
from guardrails.tenants.tokens import ALGORITHMS, BadKey, Key, Verifier, read_jwks, read_pem

__all__ = ["ApiKeys", "Jwt", "Network", "Proxy", "Ways", "read_ways"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ReadFile = Callable[[Node, str], "bytes | None"]

KEY_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "api-key")
_WAYS = ("api_key", "jwt", "host", "proxy")
_API_KEY = ("headers", "forward")
_JWT = ("header", "algorithms", "issuer", "audience", "key_file", "jwks_file", "claim", "leeway_seconds", "forward")
_PROXY = ("trusted", "header", "forward")
_HEADER = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
# These mean something to the server itself.
_NO_CREDENTIAL = (
    "host",
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
    "te",
    "upgrade",
    "cookie",
)
_LEEWAY = 30.0  # seconds that clocks may differ


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """API keys: the headers they come in, and whether those go on to the application."""

    headers: tuple[str, ...] = KEY_HEADERS
    forward: bool = False


@dataclass(frozen=True, slots=True)
class Jwt:
    """JSON web tokens: the header they come in, how they are checked, and the claim that tells the tenant."""

    header: str
    verifier: Verifier
    claim: str
    forward: bool = False


@dataclass(frozen=True, slots=True)
class Proxy:
    """A header that proxies at ``trusted`` addresses set, and nobody else may send."""

    trusted: tuple[Network, ...]
    header: str
    forward: bool = False


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways that are configured; None or False for those that are not."""

    api_key: ApiKeys | None = None
    jwt: Jwt | None = None
    host: bool = False
    proxy: Proxy | None = None


def read_ways(node: Node, reader: Reader, read_file: ReadFile) -> Ways:
    """The ways that a node describes; what is wrong with them goes to the reader."""
    entries = reader.mapping(node, "resolve", _WAYS)
    api_key = _api_key(entries["api_key"], reader) if "api_key" in entries else None
    jwt = _jwt(entries["jwt"], reader, read_file) if "jwt" in entries else None
    host = bool(reader.flag(entries["host"], "resolve.host")) if "host" in entries else False
    proxy = _proxy(entries["proxy"], reader) if "proxy" in entries else None
    taken = {*(api_key.headers if api_key else ()), *((jwt.header,) if jwt else ())}
    if proxy and proxy.header in taken:
        reader.report(
            "header-taken", "the header of the proxy carries a credential of clients too", entries["proxy"].at,
            "resolve.proxy.header", written=proxy.header, remedy="let the proxy use a header of its own",
        )  # fmt: skip
    if api_key and jwt and jwt.header in api_key.headers and jwt.forward != api_key.forward:
        reader.report(
            "header-taken", "one header cannot both be forwarded and not", entries["jwt"].at, "resolve.jwt.forward",
            written=jwt.header, remedy="write the same forward for api_key and jwt",
        )  # fmt: skip
    return Ways(api_key, jwt, host, proxy)


def _api_key(node: Node, reader: Reader) -> ApiKeys:
    key = "resolve.api_key"
    entries = reader.mapping(node, key, _API_KEY)
    headers: list[str] = []
    if "headers" in entries:
        items = reader.items(entries["headers"], f"{key}.headers")
        for number, item in enumerate(items):
            name = _header(item, f"{key}.headers[{number}]", reader)
            if name:
                headers.append(name)
        if not items and isinstance(entries["headers"].value, list):
            reader.report("missing-key", f"{key}.headers is empty", entries["headers"].at, f"{key}.headers")
    return ApiKeys(tuple(dict.fromkeys(headers)) or KEY_HEADERS, _forward(entries, key, reader))


def _jwt(node: Node, reader: Reader, read_file: ReadFile) -> Jwt | None:
    key = "resolve.jwt"
    entries = reader.mapping(node, key, _JWT)
    before = len(reader.problems)
    for name in ("algorithms", "issuer", "audience", "claim"):
        if name not in entries:
            reader.report("missing-key", f"{key}.{name} is missing", node.at, key, remedy=f"add {name}: …")
    header = _header(entries["header"], f"{key}.header", reader) if "header" in entries else "authorization"
    algorithms = _texts(entries, "algorithms", key, reader)
    for number, algorithm in enumerate(algorithms):
        if algorithm not in ALGORITHMS:
            reader.unknown(
                "unknown-algorithm", "is not accepted", algorithm, entries["algorithms"].at,
                f"{key}.algorithms[{number}]", ALGORITHMS,
            )  # fmt: skip
    issuer = reader.text(entries["issuer"], f"{key}.issuer") if "issuer" in entries else None
    audience = _texts(entries, "audience", key, reader)
    claim = reader.text(entries["claim"], f"{key}.claim") if "claim" in entries else None
    leeway: float | None = _LEEWAY
    if "leeway_seconds" in entries:
        leeway = reader.number(entries["leeway_seconds"], f"{key}.leeway_seconds", 0, 300)
    keys = _keys(node, entries, reader, read_file)
    forward = _forward(entries, key, reader)
    if len(reader.problems) > before or header is None or issuer is None or claim is None or leeway is None:
        return None
    fitting = tuple(Key(k.kid, k.public, k.algorithms & {*algorithms}) for k in keys)
    if not any(k.algorithms for k in fitting):
        reader.report(
            "key-does-not-fit", "no key can be used with these algorithms", entries["algorithms"].at,
            f"{key}.algorithms", written=", ".join(algorithms),
            allowed=", ".join(sorted({a for k in keys for a in k.algorithms})) or None,
        )  # fmt: skip
        return None
    return Jwt(header, Verifier(fitting, issuer=issuer, audience=audience, leeway=leeway), claim, forward)


def _keys(node: Node, entries: dict[str, Node], reader: Reader, read_file: ReadFile) -> tuple[Key, ...]:
    given = [n for n in ("key_file", "jwks_file") if n in entries]
    if len(given) != 1:
        reader.report(
            "missing-key", "resolve.jwt needs the keys of the issuer, once", node.at, "resolve.jwt",
            written=", ".join(given) or None, allowed="key_file or jwks_file",
            remedy="write key_file: (PEM) or jwks_file: (a JSON web key set)",
        )  # fmt: skip
        return ()
    name = given[0]
    at, key = entries[name], f"resolve.jwt.{name}"
    data = read_file(at, key)
    if data is None:
        return ()
    try:
        return read_pem(data) if name == "key_file" else read_jwks(data)
    except BadKey as error:
        reader.report("bad-key-file", f"{key}: {error}", at.at, key, written=at.raw)
    except ImportError:
        reader.report("missing-package", "tokens need PyJWT", at.at, key, remedy="pip install 'PyJWT[crypto]'")
    return ()


def _proxy(node: Node, reader: Reader) -> Proxy | None:
    key = "resolve.proxy"
    entries = reader.mapping(node, key, _PROXY)
    for name in ("trusted", "header"):
        if name not in entries:
            reader.report("missing-key", f"{key}.{name} is missing", node.at, key, remedy=f"add {name}: …")
    trusted: list[Network] = []
    for number, written in enumerate(_texts(entries, "trusted", key, reader)):
        try:
            network = ipaddress.ip_network(written)
        except ValueError:
            network = None
        if network is None or network.prefixlen == 0:
            reader.report(
                "bad-network", "this is no network of a proxy", entries["trusted"].at, f"{key}.trusted[{number}]",
                written=written, allowed="an address or a network such as 10.0.0.0/8, and never everybody",
            )  # fmt: skip
        else:
            trusted.append(network)
    header = _header(entries["header"], f"{key}.header", reader) if "header" in entries else None
    forward = _forward(entries, key, reader)
    return Proxy(tuple(trusted), header, forward) if header and trusted else None


def _header(node: Node, key: str, reader: Reader) -> str | None:
    name = reader.text(node, key)
    if name is None:
        return None
    folded = name.lower()
    if not _HEADER.fullmatch(folded) or folded in _NO_CREDENTIAL:
        reader.report(
            "bad-header", f"{key} names no header that may carry this", node.at, key, written=name,
            allowed="letters, digits and -, and none that HTTP itself uses",
        )  # fmt: skip
        return None
    return folded


def _texts(entries: dict[str, Node], name: str, key: str, reader: Reader) -> tuple[str, ...]:
    """A string or a list of strings; empty only when something was reported, or the key is absent."""
    if name not in entries:
        return ()
    node = entries[name]
    nodes = node.value if isinstance(node.value, list) else [node]
    if not nodes:
        reader.report("missing-key", f"{key}.{name} is empty", node.at, f"{key}.{name}")
    texts = (reader.text(n, f"{key}.{name}[{i}]") for i, n in enumerate(nodes))
    return tuple(t for t in texts if t is not None)


def _forward(entries: dict[str, Node], key: str, reader: Reader) -> bool:
    return bool(reader.flag(entries["forward"], f"{key}.forward")) if "forward" in entries else False
