"""More requests than there is room for: 503 at once, a word when to come back, and nobody's health or share suffers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from guardrails import Guard
from guardrails.asgi import GuardrailsMiddleware
from guardrails.asgi.admission import Admission
from guardrails.policy import loads
from tests.asgi.apps import whole
from tests.failures.raw import until
from tests.tenants.conftest import KEY_A, KEY_B, policy, tenants_yaml


class Held:
    """An application that keeps its requests until it is told to answer."""

    def __init__(self, policies: Any, admission: Admission) -> None:
        self.inside = 0
        self.go = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/healthz", lambda _: PlainTextResponse("ok")),
            ]
        )
        self.app.add_middleware(
            GuardrailsMiddleware, policies=policies, admission=admission, exempt=["GET /healthz"], reload=False
        )
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://chat.example")

    async def chat(self, request: Request) -> Response:
        self.inside += 1
        if "quick" not in (await request.body()).decode():
            await self.go.wait()
        self.inside -= 1
        return JSONResponse(whole("done"))

    def ask(self, text: str = "hold", key: str | None = None) -> asyncio.Task[httpx.Response]:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        body = {"model": "m", "messages": [{"role": "user", "content": text}]}
        return asyncio.create_task(self.client.post("/v1/chat/completions", json=body, headers=headers))


def run(coroutine: Any) -> None:
    async def within() -> None:
        async with asyncio.timeout(60):
            await coroutine

    asyncio.run(within())


def test_503_with_retry_after_and_health_goes_on() -> None:
    async def go() -> None:
        held = Held(
            Guard(loads("version: 1\nname: p\nwords: {terms: [kingfisher]}\n")),
            Admission(2, 1_000_000, queue=0, queue_ms=2_500, reserve=0),
        )
        first = [held.ask(), held.ask()]
        await until(lambda: held.inside == 2)
        refused = await held.ask()
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "3"
        assert refused.json()["error"]["code"] == "overloaded"
        assert held.inside == 2
        assert (await held.client.get("/healthz")).text == "ok"
        assert (await held.client.options("/v1/chat/completions")).status_code != 503
        held.go.set()
        assert [(await task).status_code for task in first] == [200, 200]
        assert (await held.ask()).status_code == 200

    run(go())


def test_who_waits_too_long_is_refused_too() -> None:
    async def go() -> None:
        held = Held(
            Guard(loads("version: 1\nname: p\nwords: {terms: [kingfisher]}\n")),
            Admission(1, 1_000_000, queue=5, queue_ms=20, reserve=0),
        )
        first = held.ask()
        await until(lambda: held.inside == 1)
        refused = await held.ask()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        held.go.set()
        assert (await first).status_code == 200

    run(go())


def test_a_body_too_many_is_refused() -> None:
    """The bytes of all bodies together are bounded, whatever each of them declares."""

    async def go() -> None:
        held = Held(
            Guard(loads("version: 1\nname: p\nwords: {terms: [kingfisher]}\n")),
            Admission(10, 5_000, queue=0, queue_ms=0, reserve=0),
        )
        first = held.ask("hold " * 800)
        await until(lambda: held.inside == 1)
        assert (await held.ask("hold " * 800)).status_code == 503
        assert (await held.ask("quick")).status_code == 200
        held.go.set()
        assert (await first).status_code == 200

    run(go())


def test_a_noisy_tenant_does_not_starve_a_quiet_one(tmp_path: Path) -> None:
    (tmp_path / "alpha.yaml").write_text(policy("alpha", "apple"))
    (tmp_path / "beta.yaml").write_text(policy("beta", "banana"))
    (tmp_path / "tenants.yaml").write_text(tenants_yaml())

    async def go() -> None:
        held = Held(tmp_path, Admission(8, 100_000_000, queue=4, queue_ms=60_000))
        noisy = [held.ask(key=KEY_A) for _ in range(40)]
        await until(lambda: sum(t.done() for t in noisy) >= 29)
        assert held.inside == 7  # a place is kept for others
        # While all of that is held, the quiet one is served: a place is free for it, or one in the queue and then a place.
        for _ in range(20):
            assert (await held.ask("quick", key=KEY_B)).status_code == 200
        assert held.inside == 7
        held.go.set()
        statuses = [(await t).status_code for t in noisy]
        assert statuses.count(503) == 29
        assert statuses.count(200) == 11

    run(go())
