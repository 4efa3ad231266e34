"""The floor plan of a contract: endpoints that take a call and give an answer, and the shape of its errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.service.access import Principal, Scope
from guardrails.service.catalog import Catalog, Guardrail
from guardrails.service.checking import Checking
from guardrails.service.faults import Fault
from guardrails.service.fields import Body

__all__ = ["Answer", "Call", "Contract", "Endpoint"]

POLICY_HEADER = b"x-guardrails-policy"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a JSON value (None: no body), and more headers."""

    body: Any = field(default=None, repr=False)
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One request, authenticated and read. ``id`` is the decision's, too."""

    id: str
    contract: str
    principal: Principal
    catalog: Catalog
    checking: Checking
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[bytes, bytes] = field(repr=False)
    value: Any = field(repr=False)
    size: int = 0

    @property
    def body(self) -> Body:
        """The body as an object. Raises Fault."""
        return Body(self.value)

    def guardrail(self, identifier: str = "", version: str = "") -> Guardrail:
        """The guardrail that is named here, else in ``x-guardrails-policy`` (``NAME`` or ``NAME:VERSION``), else the caller's own."""
        if not identifier:
            named = self.headers.get(POLICY_HEADER, b"").decode("latin-1").strip()
            identifier, _, also = named.partition(":") if named and not named.startswith("arn:") else (named, "", "")
            version = version or also
        return self.catalog.find(self.principal, identifier, version)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and a Starlette path, who may call it, and what answers. ``reads``: whether it has a body of JSON."""

    method: str
    path: str
    answer: Callable[[Call], Awaitable[Answer]]
    scope: Scope | None = Scope.CHECK
    reads: bool = True


@dataclass(frozen=True, slots=True)
class Contract:
    """A product's API: its endpoints, and a fault in its own shape."""

    name: str
    endpoints: tuple[Endpoint, ...]
    error: Callable[[Fault], Answer]
