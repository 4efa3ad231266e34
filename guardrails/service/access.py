"""Who calls, and what they may do: keys with scopes (``keys.yaml``), or the callers of a ``tenants.yaml``."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.service.faults import Fault, Kind
from guardrails.service.keyfile import Key, KeyFile, read_keys
from guardrails.service.limits import NONE, Limits
from guardrails.service.sigv4 import Signed, signed, verify
from guardrails.tenants import Caller, Tenants, Unauthenticated, UnknownTenant
from guardrails.tenants.keys import KeyIndex

__all__ = ["Access", "Principal", "Scope"]

_log = logging.getLogger("guardrails")
# Where clients of the contracts send their key, beside `authorization`.
_HEADERS = ("x-api-key", "api-key", "ocp-apim-subscription-key", "x-guardrails-key")
_LOOK_EVERY_S = 1.0


class Scope(StrEnum):
    """What a key may do: check texts, write guardrails, read the operator's pages."""

    CHECK = "check"
    AUTHOR = "author"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. ``guardrails`` are the ids that may be used, None for all; ``default`` is the one for contracts that name none.
    ``tenant``: the guard that a tenants.yaml gives this caller. ``limits``: how much it may use."""

    name: str
    scopes: frozenset[str] = frozenset((Scope.CHECK,))
    guardrails: frozenset[str] | None = None
    default: str | None = None
    tenant: Any = field(default=None, repr=False)
    limits: Limits = NONE

    def may(self, scope: Scope) -> bool:
        """Whether this scope is among the caller's."""
        return scope in self.scopes


class Access:
    """From the headers of a request to a principal. A key file is read again when it changes; a bad one leaves the last good."""

    def __init__(self, keys: str | Path | None, tenants: Tenants | None, limits: Limits = NONE) -> None:
        """``tenants``: whose callers count when no key of the file is shown. ``limits``: of each caller that the file says nothing of.
        Raises PolicyError for a bad file of keys."""
        self._path = Path(keys) if keys is not None else None
        self._tenants = tenants
        self._limits = limits
        self._looked = 0.0
        self._state: object = None
        self._keys: dict[str, Key] = {}
        self._signing: dict[str, Key] = {}
        self._certificates: dict[str, Key] = {}
        self._index = KeyIndex(())
        self.error: str | None = None
        if self._path is not None:
            self._state = _state(self._path)
            self._take(read_keys(self._path))

    @property
    def open(self) -> bool:
        """Whether anybody may check texts: there is neither a file of keys nor of tenants."""
        return self._path is None and self._tenants is None

    @property
    def names(self) -> tuple[str, ...]:
        """Who may call, by name."""
        return (*self._keys, *(t.id for t in self._tenants or ()))

    def identify(self, request: Mapping[str, Any], body: bytes) -> Principal:
        """The caller of an ASGI scope. Raises Fault: UNAUTHENTICATED or FORBIDDEN.

        Every key that is shown must be valid; without one, a client certificate counts whose subject is in the file. A signature is verified where the file of keys has a secret for its access
        key id; otherwise the access key id itself has to be a key.
        """
        self._look()
        headers: list[tuple[bytes, bytes]] = request["headers"]
        found = signed(headers)
        if self.open:
            return Principal("anonymous", limits=self._limits)
        if found is not None:
            return self._by_signature(found, request, body)
        tokens = [t for t in _tokens(headers) if t]
        shown = self._certificates.get(_subject(request))
        if shown is not None and not tokens:
            return self._principal(shown)
        known = [name for t in tokens if (name := self._index.find(t)) is not None]
        if known and len(known) == len(tokens) and len(set(known)) == 1:
            return self._principal(self._keys[known[0]])
        if known or self._tenants is None:
            raise _nobody(bool(tokens))
        return self._by_tenant(headers, request.get("client"))

    def _by_signature(self, found: Signed, request: Mapping[str, Any], body: bytes) -> Principal:
        key = self._signing.get(found.access_key)
        if key is not None:
            if not verify(found, request, body, key.secret()):
                raise Fault(
                    Kind.UNAUTHENTICATED,
                    "the signature does not hold: check the secret key, the clock, and that no proxy changes the request",
                )
            return self._principal(key)
        name = self._index.find(found.access_key.encode())
        if name is None:
            raise _nobody(shown=True)
        return self._principal(self._keys[name])

    def _by_tenant(self, headers: list[tuple[bytes, bytes]], client: tuple[str, int] | None) -> Principal:
        host = next((v.decode("latin-1") for k, v in headers if k == b"host"), None)
        try:
            tenant = self._tenants.resolve(Caller(headers, host, client[0] if client else None))  # type: ignore[union-attr]
        except Unauthenticated:
            raise _nobody(shown=True) from None
        except UnknownTenant as error:
            raise Fault(Kind.FORBIDDEN, str(error)) from None
        return Principal(tenant.id, tenant=tenant, limits=self._limits)

    def _principal(self, key: Key) -> Principal:
        return Principal(
            key.name, frozenset(key.scopes), key.guardrails, key.default, limits=key.limits or self._limits
        )

    def _take(self, file: KeyFile) -> None:
        self._index = KeyIndex((digest, key.name) for key in file.keys for digest in key.digests)
        self._keys = {key.name: key for key in file.keys}
        self._signing = {key.access_key: key for key in file.keys if key.access_key is not None}
        self._certificates = {key.certificate: key for key in file.keys if key.certificate is not None}

    def _look(self) -> None:
        now = time.monotonic()
        if self._path is None or now - self._looked < _LOOK_EVERY_S:
            return
        self._looked = now
        state = _state(self._path)
        if state == self._state:
            return
        self._state = state
        try:
            self._take(read_keys(self._path))
            self.error = None
        except PolicyError as error:
            self.error = error.problems[0].code
            _log.error("keys: %s at %s:%d", self.error, error.problems[0].file, error.problems[0].line)
        except GuardrailsError as error:
            self.error = type(error).__name__
            _log.error("keys: %s", error)


def _subject(request: Mapping[str, Any]) -> str:
    """The subject of the client's certificate; empty without one."""
    told = (request.get("extensions") or {}).get("tls") or {}
    return str(told.get("client_cert_name") or "")


def _nobody(shown: bool) -> Fault:
    if shown:
        return Fault(
            Kind.UNAUTHENTICATED,
            "this is nobody's key: `guardrails tenants new-key` makes one, whose hash belongs into the service's file of keys",
        )
    return Fault(
        Kind.UNAUTHENTICATED,
        "no key was sent: put it into `authorization: Bearer …`, `x-api-key`, `api-key` or `ocp-apim-subscription-key`",
    )


def _tokens(headers: list[tuple[bytes, bytes]]) -> list[bytes]:
    out = []
    for raw, value in headers:
        name = raw.lower().decode("latin-1")
        if name == "authorization":
            scheme, _, token = value.strip().partition(b" ")
            out.append(token.strip() if scheme.lower() == b"bearer" else value.strip())
        elif name in _HEADERS:
            out.append(value.strip())
    return out


def _state(path: Path) -> object:
    try:
        info = path.stat()
    except OSError:
        return None
    return (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
