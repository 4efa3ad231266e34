"""What an operator reads: alive, ready, degraded, draining; and the figures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from guardrails.asgi.telemetry import Telemetry
from guardrails.errors import WeightsMissing
from guardrails.proxy import ProxyApp
from guardrails.proxy.operations import Operations
from tests.demo.sockets import serving

GOOD = {"status": "ok", "reloads": {"ok": 1, "failed": 0}, "tenants": {"bank": {"revision": "2d25", "error": None}}}


def operations(health: Callable[[], Mapping[str, Any]] = lambda: GOOD) -> Operations:
    return Operations(Telemetry(), health)


def get(app: Any, path: str, method: str = "GET") -> httpx.Response:
    async def run() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.request(method, path)

    return asyncio.run(run())


def test_not_ready_before_the_weights_are_verified() -> None:
    app = operations()
    done = get(app, "/readyz")
    assert (done.status_code, done.json()["status"]) == (503, "starting")
    assert get(app, "/healthz").status_code == 200


def test_ready() -> None:
    app = operations()
    asyncio.run(app.verify())
    done = get(app, "/readyz")
    assert done.status_code == 200
    told = done.json()
    assert told["status"] == "ready"
    assert told["weights"]["status"] == "verified"
    assert set(told["weights"]["models"]) >= {"text", "grounding"}
    assert told["weights"]["setting"] in ("fast", "cascade", "large")
    assert told["policies"] == {
        "status": "ok",
        "reloads": {"ok": 1, "failed": 0},
        "tenants": 1,
        "tenants_with_errors": 0,
        "errors": {},
    }
    assert done.headers["cache-control"] == "no-store"


def test_degraded_is_ready_and_says_what_is_wrong() -> None:
    error = {"code": "unknown-key", "file": "bank.yaml", "line": 3}
    tenants = {f"t{n}": {"revision": None, "error": error if n < 50 else None} for n in range(10_000)}
    app = operations(lambda: {"status": "degraded", "reloads": {"ok": 1, "failed": 7}, "tenants": tenants})
    asyncio.run(app.verify())
    done = get(app, "/readyz")
    assert (done.status_code, done.json()["status"]) == (200, "degraded")
    policies = done.json()["policies"]
    assert (policies["tenants"], policies["tenants_with_errors"]) == (10_000, 50)
    assert policies["errors"]["t0"]["error"] == error
    assert len(policies["errors"]) == 20
    metrics = get(app, "/metrics").text
    assert "guardrails_policy_degraded 1.0" in metrics
    assert 'guardrails_reloads_total{result="failed"} 7.0' in metrics


@pytest.mark.parametrize("status", ["failed", "", None])
def test_any_other_health_is_not_ready(status: Any) -> None:
    app = operations(lambda: {"status": status})
    asyncio.run(app.verify())
    assert get(app, "/readyz").status_code == 503


def test_health_that_breaks_is_not_ready_and_tells_no_message() -> None:
    def health() -> Mapping[str, Any]:
        raise RuntimeError("a secret")

    app = operations(health)
    asyncio.run(app.verify())
    done = get(app, "/readyz")
    assert (done.status_code, done.json()["status"]) == (503, "not ready")
    assert "secret" not in done.text
    assert get(app, "/metrics").status_code == 200


def test_weights_that_are_not_ours_are_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[Any]:
        raise WeightsMissing("damaged")

    monkeypatch.setattr("guardrails.inference.inventory", broken)
    app = operations()
    asyncio.run(app.verify())
    done = get(app, "/readyz")
    assert (done.status_code, done.json()["weights"]) == (503, {"status": "failed", "error": "WeightsMissing"})


def test_draining_is_not_ready_but_alive() -> None:
    app = operations()
    asyncio.run(app.verify())
    app.drain()
    done = get(app, "/readyz")
    assert (done.status_code, done.json()["status"]) == (503, "draining")
    assert get(app, "/healthz").status_code == 200


def test_pages_and_methods() -> None:
    app = operations()
    assert get(app, "/elsewhere").status_code == 404
    assert get(app, "/metrics", "POST").status_code == 405
    head = get(app, "/healthz", "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert get(app, "/metrics").headers["content-type"].startswith("text/plain; version=")


async def behind(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = json.dumps(["behind", scope["path"]]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_everything_else_is_behind() -> None:
    app = ProxyApp(behind, operations())
    with serving(app) as base:
        assert httpx.get(base + "/readyz").json()["status"] == "ready", "verified before the first request"
        for path in ("/healthz/", "/metrics/x", "/Healthz", "/v1/chat/completions"):
            assert httpx.get(base + path).json() == ["behind", path]
        assert httpx.post(base + "/metrics").json() == ["behind", "/metrics"]


def test_pages_can_be_elsewhere() -> None:
    app = ProxyApp(behind, operations(), pages=False)
    for path in ("/healthz", "/readyz", "/metrics"):
        assert get(app, path).json() == ["behind", path]


def test_the_probe_tells_by_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    from guardrails.proxy.probe import main

    app = operations()
    with serving(app, lifespan="off") as base:
        assert main(base + "/readyz") == 1
        assert json.loads(capsys.readouterr().out)["status"] == "starting"
        asyncio.run(app.verify())
        assert main(base + "/readyz") == 0
        assert main(base + "/elsewhere") == 1
    assert main(base + "/readyz") == 1
    for elsewhere in (
        "http://example.com/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "file:///x",
    ):
        capsys.readouterr()
        assert main(elsewhere) == 1
        assert capsys.readouterr().err == "the probe asks its own machine only\n"
