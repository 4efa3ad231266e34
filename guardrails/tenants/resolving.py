"""From a caller to a tenant. Nothing is opened, nothing is waited for; everything shown must say the same.

The rule: each credential that is there must be valid, and all that is there must mean one tenant. So whoever holds a key
of A stays A (or nobody) whatever else is sent along, and a wrong key is never made good by a right host.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache

from guardrails.tenants.config import Config
from guardrails.tenants.keys import KeyIndex, looks_like_jwt
from guardrails.tenants.types import Caller, Tenant, Unauthenticated, UnknownTenant
from guardrails.tenants.ways import Network

__all__ = ["Resolver"]

Headers = Sequence[tuple[bytes, bytes]]


class Resolver:
    """All tenants and the ways to them, as one snapshot. Immutable and thread-safe."""

    __slots__ = (
        "_claims", "_default", "_dropped", "_hosts", "_keys", "_open", "_subjects", "_watched", "_ways", "tenants",
    )  # fmt: skip

    def __init__(self, config: Config, tenants: Mapping[str, Tenant]) -> None:
        self.tenants = tenants
        self._ways = ways = config.ways
        self._default = config.default
        self._keys = KeyIndex((digest, e.id) for e in config.entries for digest in e.keys)
        self._claims = {claim: e.id for e in config.entries for claim in e.claims}
        self._subjects = {subject: e.id for e in config.entries for subject in e.subjects}
        self._hosts = {host: e.id for e in config.entries for host in e.hosts}
        self._open = frozenset(e.id for e in config.entries if e.open)
        forwarded: dict[str, bool] = {}
        if ways.api_key:
            forwarded |= dict.fromkeys(ways.api_key.headers, ways.api_key.forward)
        if ways.jwt:
            forwarded[ways.jwt.header] = ways.jwt.forward
        if ways.proxy:
            forwarded[ways.proxy.header] = ways.proxy.forward
        # Each with the spelling that some servers make the same of: X_Api_Key.
        self._watched = {name.encode(): name for name in forwarded}
        self._dropped = frozenset(name.encode() for name, forward in forwarded.items() if not forward)

    def __repr__(self) -> str:
        return f"Resolver({len(self.tenants)} tenants)"

    def resolve(self, caller: Caller) -> Tenant:
        """The tenant. Raises Unauthenticated or UnknownTenant."""
        id_ = self._identify(caller)
        tenant = self.tenants.get(id_)
        if tenant is None:
            raise UnknownTenant("unavailable")
        return tenant

    def strip(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        """The headers that may go on: without those that carry what only we should see."""
        return [(n, v) for n, v in headers if n.lower().replace(b"_", b"-") not in self._dropped]

    def _identify(self, caller: Caller) -> str:
        shown = self._shown(caller.headers)
        found = {self._credential(name, value, caller.client) for name, value in shown.items()} - {None}
        host = self._hosts.get(_bare_host(caller.host)) if self._hosts else None
        if len(found) > 1 or (found and host is not None and host not in found):
            raise UnknownTenant("conflict")
        for id_ in found:
            if id_ is not None:
                return id_
        if host is not None:
            if host not in self._open:
                raise Unauthenticated("missing")
            return host
        if self._default is not None:
            return self._default
        ways = self._ways
        if ways.host and not (ways.api_key or ways.jwt or ways.proxy):
            raise UnknownTenant
        raise Unauthenticated("missing")

    def _shown(self, headers: Headers) -> dict[str, bytes]:
        """The headers that resolve somebody, each there once."""
        shown: dict[str, bytes] = {}
        if not self._watched and not self._hosts:
            return shown
        hosts = 0
        for raw, value in headers:
            name = raw.lower()
            hosts += name == b"host"
            if b"_" in name and name.replace(b"_", b"-") in self._watched:
                raise Unauthenticated("ambiguous-header")
            watched = self._watched.get(name)
            if watched is not None:
                if watched in shown:
                    raise Unauthenticated("duplicate-header")
                shown[watched] = value
        if hosts > 1 and self._hosts:
            raise Unauthenticated("duplicate-header")
        return shown

    def _credential(self, name: str, value: bytes, client: str | None) -> str | None:
        """Whose this header's value is; None when a trusted proxy says that there was nothing to say."""
        ways = self._ways
        if ways.proxy and name == ways.proxy.header:
            return self._subject(value, client, ways.proxy.trusted)
        token = _bearer(value) if name == "authorization" else value.strip()
        if ways.jwt and name == ways.jwt.header and looks_like_jwt(token):
            claims = ways.jwt.verifier.claims(token)
            if claims is None:
                raise Unauthenticated
            claim = claims.get(ways.jwt.claim)
            return _known(self._claims.get(claim) if isinstance(claim, str) else None)
        if ways.api_key and name in ways.api_key.headers:
            found = self._keys.find(token)
            if found is not None:
                return found
        raise Unauthenticated

    def _subject(self, value: bytes, client: str | None, trusted: tuple[Network, ...]) -> str | None:
        if client is None or not _is_in(client, trusted):
            raise Unauthenticated("untrusted-proxy")
        subject = value.strip()
        if not subject:
            return None
        # Compared as text; bytes that are none are nobody's subject.
        return _known(self._subjects.get(subject.decode("utf-8", "replace")))


def _known(id_: str | None) -> str:
    if id_ is None:
        raise UnknownTenant
    return id_


def _bearer(value: bytes) -> bytes:
    scheme, _, token = value.strip().partition(b" ")
    if scheme.lower() != b"bearer":
        raise Unauthenticated
    return token.strip()


def _bare_host(host: str | None) -> str:
    """The host without port and final dot, in lower case."""
    name, _, port = (host or "").rpartition(":")
    if not name or not port.isdecimal():
        name = host or ""
    return name.lower().removesuffix(".")


@lru_cache(maxsize=4096)
def _is_in(client: str, networks: tuple[Network, ...]) -> bool:
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(client)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
