"""The pages of an operator: ``/healthz`` (alive), ``/readyz`` (whether it may be sent requests, and why not), ``/metrics``."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from starlette.types import Receive, Scope, Send

from guardrails.asgi.telemetry import CONTENT_TYPE, Telemetry
from guardrails.errors import GuardrailsError

__all__ = ["PAGES", "Operations", "State", "send_page"]

PAGES = frozenset(("/healthz", "/readyz", "/metrics"))

# Tenants whose errors are shown one by one.
_SHOWN = 20

_log = logging.getLogger("guardrails.proxy")


class State(StrEnum):
    """What ``/readyz`` says. ``degraded`` is ready too: requests are checked, by an older policy than the newest file, or without shared state."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not ready"
    DRAINING = "draining"


class Operations:
    """The three pages as an ASGI application, and what they tell.

    ``health()`` is what the tenants say of their policies (:meth:`guardrails.tenants.Tenants.health`); a ``status`` other than
    ``ok`` or ``degraded``, or an exception, is not ready.
    """

    def __init__(self, telemetry: Telemetry, health: Callable[[], Mapping[str, Any]]) -> None:
        self._telemetry = telemetry
        self._health = health
        self._weights: dict[str, Any] = {"status": "unverified"}
        self._started = self._draining = False

    async def verify(self) -> None:
        """Hash the trained models that ship with the package, in a worker thread. What is wrong stands in ``/readyz``."""
        try:
            models = await asyncio.to_thread(_verified)
        except (GuardrailsError, OSError) as error:
            self._weights = {"status": "failed", "error": type(error).__name__}
            _log.error("the trained models are not what this release ships: %s", error)
        else:
            self._weights = {"status": "verified", "models": models, **_setting()}
        self._started = True

    def drain(self) -> None:
        """Not ready from now on, so that whoever balances the load sends its requests elsewhere."""
        self._draining = True

    def state(self) -> tuple[State, Mapping[str, Any]]:
        """The state, and everything it was concluded from."""
        try:
            policies = _summary(self._health())
            healthy = policies["status"]
        except Exception as error:  # whatever is wrong with it, the answer is "not ready"
            policies, healthy = {"status": "failed", "error": type(error).__name__}, "failed"
        if self._draining:
            state = State.DRAINING
        elif not self._started:
            state = State.STARTING
        elif self._weights["status"] != "verified" or healthy not in ("ok", "degraded"):
            state = State.NOT_READY
        else:
            well = healthy == "ok" and policies.get("shared_state") != "down"
            state = State.READY if well else State.DEGRADED
        return state, {"status": state.value, "weights": self._weights, "policies": policies}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Anything but GET and HEAD of the three pages is an error."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return
        if scope["path"] not in PAGES:
            await send_page(scope, send, 404, b'{"error":"there are /healthz, /readyz and /metrics"}')
        elif scope["method"] not in ("GET", "HEAD"):
            await send_page(scope, send, 405, b'{"error":"GET only"}')
        elif scope["path"] == "/healthz":
            await send_page(scope, send, 200, b'{"status":"alive"}')
        elif scope["path"] == "/metrics":
            _, told = self.state()
            reloads = told["policies"].get("reloads") or {}
            degraded = told["policies"]["status"] != "ok"
            self._telemetry.policies(degraded=degraded, ok=reloads.get("ok", 0), failed=reloads.get("failed", 0))
            await send_page(scope, send, 200, self._telemetry.expose(), CONTENT_TYPE)
        else:
            state, told = self.state()
            status = 200 if state in (State.READY, State.DEGRADED) else 503
            await send_page(scope, send, status, json.dumps(told, default=str).encode())


def _summary(health: Mapping[str, Any]) -> dict[str, Any]:
    """The same without the tenants that are well: there may be ten thousand."""
    tenants: Mapping[str, Any] = health.get("tenants", {})
    bad = {name: told for name, told in tenants.items() if told.get("error")}
    shown = dict(list(bad.items())[:_SHOWN])
    return {**health, "tenants": len(tenants), "tenants_with_errors": len(bad), "errors": shown}


def _verified() -> dict[str, str]:
    from guardrails.inference import inventory  # noqa: PLC0415 - hashes, at start only

    return {info.name: info.sha256 for info in inventory()}


def _setting() -> dict[str, str]:
    """Which models judge texts here, and why not more."""
    from guardrails.inference import setting  # noqa: PLC0415

    found = setting()
    return {"setting": found.models.value} | ({"notice": found.notice} if found.notice else {})


async def send_page(scope: Scope, send: Send, status: int, body: bytes, content_type: str = "application/json") -> None:
    """Answer with a page of the operator's."""
    lines = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
