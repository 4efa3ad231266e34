"""One request from its first byte to its last: who calls, the body, the contract's answer, and errors in its own shape."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from guardrails.asgi import reading
from guardrails.asgi.admission import Admission, Overloaded503
from guardrails.asgi.body import Disconnected
from guardrails.asgi.telemetry import Telemetry
from guardrails.decision import new_id
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.service.access import Access, Principal
from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.catalog import Catalog
from guardrails.service.checking import Checking
from guardrails.service.faults import Fault, Kind
from guardrails.service.limits import Limit, Limited, Usage
from guardrails.service.sigv4 import signed
from guardrails.stores import Unreachable
from guardrails.wire import strict
from guardrails.wire.limits import BodyLimits, Malformed

__all__ = ["Handling", "Resource", "send_answer"]

_log = logging.getLogger("guardrails")
_BODY_SECONDS = 30.0
_RETRY_S = 5
_DECISION = b"x-guardrails-decision-id"
_LIMITED = {
    Limit.RATE: "too many requests of this key in this second; send them again after the time in Retry-After",
    Limit.REQUESTS: "this key's requests of today are used up; Retry-After says when the next day begins (UTC)",
    Limit.UNITS: "this key's text units of today are used up; Retry-After says when the next day begins (UTC)",
}
_KINDS = {400: Kind.INVALID, 408: Kind.TIMEOUT, 413: Kind.TOO_LARGE, 415: Kind.UNSUPPORTED}


@dataclass(frozen=True, slots=True)
class Handling:
    """What all endpoints share."""

    access: Access
    catalog: Catalog
    checking: Checking
    admission: Admission
    telemetry: Telemetry
    limits: BodyLimits
    usage: Usage

    async def answer(self, contract: Contract, endpoint: Endpoint, scope: Scope, receive: Receive) -> Answer | None:
        """The answer; None when the client left. Raises Fault."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        principal = None
        if signed(headers) is None:  # a signature is over the body, which is read first
            principal = await self._counted(endpoint, self.identified(endpoint, scope, b""))
        tenant = principal.name if principal is not None else "unsigned"
        try:
            with self.admission.arriving(tenant) as held:
                coding = reading.declared(scope["method"], headers, self.limits) if endpoint.reads else ""
                data = await reading.received(receive, coding, self.limits, _BODY_SECONDS, held, _run)
                if principal is None:
                    principal = await self._counted(endpoint, self.identified(endpoint, scope, data))
                value = await self._value(endpoint, scope, data)
                async with self.admission.admit(tenant, 0):
                    self._gauge()
                    call = self._call(contract, scope, principal, value, len(data))
                    answer = await endpoint.answer(call)
                    return Answer(answer.body, answer.status, (*answer.headers, (_DECISION, call.id.encode())))
        except Malformed as error:
            raise Fault(_KINDS.get(error.status, Kind.INVALID), error.reason) from None
        except Overloaded503 as error:
            told = "too many requests at once; try again later"
            raise Fault(Kind.OVERLOADED, told, retry_after=error.retry_after) from None
        except Disconnected:
            return None
        finally:
            self._gauge()

    def identified(self, endpoint: Endpoint, scope: Scope, body: bytes) -> Principal:
        """Who calls, when they may call this endpoint. Raises Fault."""
        if endpoint.scope is None:
            return Principal("anonymous", frozenset())
        principal = self.access.identify(scope, body)
        if not principal.may(endpoint.scope):
            raise Fault(
                Kind.FORBIDDEN,
                f"this needs a key with the scope {endpoint.scope.value}: add it to `scopes` in keys.yaml"
                + (" (start the service with --keys)" if self.access.open else ""),
            )
        return principal

    async def _counted(self, endpoint: Endpoint, principal: Principal) -> Principal:
        """The caller, whose request counts. Raises Fault when one of its limits is reached."""
        if endpoint.scope is None:
            return principal
        try:
            await self.usage.request(principal.name, principal.limits)
        except Limited as error:
            self.telemetry.limited(principal.name, error.limit.value)
            kind = Kind.RATE if error.limit is Limit.RATE else Kind.QUOTA
            raise Fault(kind, _LIMITED[error.limit], retry_after=error.retry_after) from None
        except Unreachable as error:
            _log.warning("%s", error)
            told = "what this key has used cannot be counted now, so it may use nothing; send this again later"
            raise Fault(Kind.OVERLOADED, told, retry_after=_RETRY_S) from None
        return principal

    async def _value(self, endpoint: Endpoint, scope: Scope, data: bytes) -> Any:
        if not endpoint.reads:
            return None
        if not data.strip():
            return {}
        return await reading.body_of(scope, data, self.limits, _run)

    def _call(self, contract: Contract, scope: Scope, principal: Principal, value: Any, size: int) -> Call:
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
        return Call(
            new_id(),
            contract.name,
            principal,
            self.catalog,
            self.checking,
            scope.get("path_params", {}),
            query,
            dict(scope["headers"]),
            value,
            size,
        )

    def _gauge(self) -> None:
        self.telemetry.queue(
            in_flight=self.admission.in_flight, queued=self.admission.queued, size=self.admission.bytes
        )


class Resource:
    """All methods of one path, as an ASGI application."""

    def __init__(self, handling: Handling, contract: Contract, endpoints: Mapping[str, Endpoint]) -> None:
        self._handling = handling
        self._contract = contract
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        scope["headers"] = [(k.lower(), v) for k, v in scope["headers"]]
        otel = self._handling.telemetry.otel
        if otel is not None:
            route = next(iter(self._endpoints.values())).path.replace(":path", "")
            await otel.serve(self._answered, scope, receive, send, route)
        else:
            await self._answered(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._handling.answer(self._contract, self._endpoint(scope["method"]), scope, receive)
            if answer is None:
                return
        except Fault as fault:
            answer = self._fault(fault)
        except PolicyError as error:
            told = ", ".join(f"{p.code} at line {p.line}" for p in error.problems[:5])
            _log.error("%s: a policy cannot be used: %s", self._contract.name, told)
            answer = self._fault(Fault(Kind.INTERNAL, f"a policy cannot be used: {told}"))
        except GuardrailsError as error:
            _log.error("%s: %s", self._contract.name, type(error).__name__)
            answer = self._fault(Fault(Kind.INTERNAL, str(error)))
        except Exception:
            # Its message may quote what was checked; the log's formatter leaves it out.
            _log.exception("%s failed", self._contract.name)
            answer = self._fault(Fault(Kind.INTERNAL, "this could not be answered; the log says why"))
        await send_answer(scope, send, answer)

    def _endpoint(self, method: str) -> Endpoint:
        endpoint = self._endpoints.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            raise Fault(Kind.METHOD, f"this method is not understood here; send {' or '.join(self._endpoints)}")
        return endpoint

    def _methods(self) -> list[str]:
        return [*self._endpoints, *(["HEAD"] if "GET" in self._endpoints else [])]

    def _fault(self, fault: Fault) -> Answer:
        self._handling.telemetry.refused(fault.status)
        if fault.kind is not Kind.INTERNAL:
            _log.info("%s refused with %d %s: %s", self._contract.name, fault.status, fault.kind.value, fault.told)
        answer = self._contract.error(fault)
        more: list[tuple[bytes, bytes]] = []
        if fault.retry_after is not None:
            more.append((b"retry-after", str(fault.retry_after).encode()))
        if answer.status == Kind.METHOD.status:
            more.append((b"allow", ", ".join(self._methods()).encode()))
        if fault.kind in (Kind.TIMEOUT, Kind.TOO_LARGE):  # what is left of the body is not waited for
            more.append((b"connection", b"close"))
        return Answer(answer.body, answer.status, (*answer.headers, *more))


async def send_answer(scope: Mapping[str, Any], send: Send, answer: Answer) -> None:
    """Send an answer."""
    data = b"" if answer.body is None else answer.body if isinstance(answer.body, bytes) else strict.dump(answer.body)
    headers = [(b"content-length", str(len(data)).encode()), (b"cache-control", b"no-store"), *answer.headers]
    if data and not any(k == b"content-type" for k, _ in answer.headers):
        headers.insert(0, (b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})


async def _run(work: Callable[..., Any], *args: Any, light: bool = False) -> Any:
    """What reading a body asks for: a large one is parsed on a thread."""
    return work(*args) if light else await asyncio.to_thread(work, *args)
