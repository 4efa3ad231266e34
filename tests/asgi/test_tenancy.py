"""Each caller under its own policy, whatever a request claims; and policies that change while requests go on."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from guardrails.tenants import Tenants, hash_key, new_key
from tests.asgi.apps import App, content_of

ALPHA, BETA = new_key(), new_key()
TENANTS = f"""
version: 1
resolve:
  api_key: {{headers: [authorization, x-api-key]}}
tenants:
  alpha: {{policy: alpha.yaml, keys: ["{hash_key(ALPHA)}"]}}
  beta: {{policy: beta.yaml, keys: ["{hash_key(BETA)}"]}}
"""


def policy(name: str, term: str) -> str:
    return f"version: 1\nname: {name}\nmessages: {{blocked_input: '[{name}]'}}\nwords: {{terms: [{term}]}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tenants.yaml").write_text(TENANTS)
    (tmp_path / "alpha.yaml").write_text(policy("alpha", "apple"))
    (tmp_path / "beta.yaml").write_text(policy("beta", "banana"))
    return tmp_path


def ask(app: App, text: str, **headers: str) -> httpx.Response:
    return app.post({"model": "m", "messages": [{"role": "user", "content": text}]}, headers=headers)


KEYS = {"none": {}, "alpha": {"authorization": f"Bearer {ALPHA}"}, "beta": {"x-api-key": BETA}, "wrong": {"authorization": "Bearer " + "x" * 40},
        "both": {"authorization": f"Bearer {ALPHA}", "x-api-key": BETA}}  # fmt: skip
CLAIMS = [
    {},
    {"x-tenant": "beta"},
    {"x-tenant-id": "beta", "x_tenant": "beta"},
    {"x-guardrails-tenant": "beta"},
    {"x-forwarded-host": "beta"},
]
BODIES: list[dict[str, Any]] = [
    {},
    {"tenant": "beta"},
    {"metadata": {"tenant": "beta", "guardrails": {}}},
    {"guardrails": []},
    {"policy": "beta"},
]
QUERIES = ["", "?tenant=beta", "?policy=beta", "?guardrails=off"]


def test_nothing_but_the_credential_says_whose_policy_holds(folder: Path) -> None:
    app = App("fine", policies=folder, reload=False)
    seen: set[tuple[str, int]] = set()
    for (who, key), claim, more, query in itertools.product(KEYS.items(), CLAIMS, BODIES, QUERIES):
        body = {"model": "m", "messages": [{"role": "user", "content": "an apple a day"}], **more}
        response = app.post(body, "/v1/chat/completions" + query, headers={**key, **claim})
        seen.add((who, response.status_code))
        if who == "alpha":
            assert content_of(response) == "[alpha]", (claim, more, query)
        elif who == "beta":
            assert content_of(response) == "fine"
    assert seen == {("none", 401), ("alpha", 200), ("beta", 200), ("wrong", 401), ("both", 403)}
    assert {d.tenant for d in app.decisions} == {"alpha", "beta"}


def test_the_tenants_key_does_not_reach_the_application(folder: Path) -> None:
    app = App("fine", policies=folder, reload=False)
    seen: list[Any] = []
    inner = app.chat

    async def look(request: Any) -> Any:
        seen.extend(request.headers.items())
        return await inner(request)

    app.app.router.routes[0] = type(app.app.routes[0])("/v1/chat/completions", look, methods=["POST"])
    assert ask(app, "hello", authorization=f"Bearer {ALPHA}").status_code == 200
    assert not any(ALPHA in value for _, value in seen)


def test_no_verdict_crosses_from_one_tenant_to_another(folder: Path) -> None:
    """The same texts under opposite policies, interleaved: a shared cache would answer one with the other's verdict."""
    app = App("fine", policies=folder, reload=False)
    for i in range(150):
        for text in ("an apple", "a banana"):
            alpha = ask(app, text, authorization=f"Bearer {ALPHA}")
            beta = ask(app, text, authorization=f"Bearer {BETA}")
            assert content_of(alpha) == ("[alpha]" if "apple" in text else "fine"), i
            assert content_of(beta) == ("[beta]" if "banana" in text else "fine"), i


def test_a_changed_policy_makes_known_verdicts_void(folder: Path) -> None:
    tenants = Tenants.open(folder)
    app = App("fine", policies=tenants, reload=False)
    assert content_of(ask(app, "a cherry", authorization=f"Bearer {ALPHA}")) == "fine"
    (folder / "alpha.yaml").write_text(policy("alpha", "cherry"))
    assert tenants.reload().ok
    assert content_of(ask(app, "a cherry", authorization=f"Bearer {ALPHA}")) == "[alpha]"


RELOADS = 1_000
BROKEN = (
    "",
    "version: 1\nname: al",
    "\x00\xff",
    "version: 1\nname: alpha\nwords: {terms: [*x]}\n",
    "version: 9\n",
    "- [",
    "{",
)


def test_a_thousand_reloads_half_of_them_broken_under_load(folder: Path) -> None:
    """No 5xx, no verdict that no policy gives, and the last good file in force within two seconds of the last change.

    Every policy blocks its own number and the number's double; a mixture of two policies would block one of them only.
    """
    tenants = Tenants.open(folder)
    app = App("fine", policies=tenants, reload=False)
    path = folder / "alpha.yaml"
    good = 0
    path.write_text(_pair(0))
    assert tenants.reload().ok
    statuses: set[int] = set()
    stop = asyncio.Event()

    async def load(client: httpx.AsyncClient) -> None:
        headers = {"authorization": f"Bearer {ALPHA}", "content-type": "application/json"}
        while not stop.is_set():
            number = good
            text = f"say w{number}x and z{number}x"
            body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]})
            response = await client.post("/v1/chat/completions", content=body, headers=headers)
            statuses.add(response.status_code)
            decision = next(d for d in reversed(app.decisions) if d.id == response.headers["x-guardrails-decision-id"])
            blocked = sorted(f.finding.rule for f in decision.findings if f.path == "messages[0].content")
            assert blocked in ([], ["words.one", "words.two"]), blocked
            app.decisions.clear()
            app.received.clear()
            await asyncio.sleep(0.002)

    async def run() -> None:
        nonlocal good
        transport = httpx.ASGITransport(app.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://chat.example") as client:
            loaders = [asyncio.create_task(load(client)) for _ in range(3)]
            for i in range(1, RELOADS + 1):
                if i % 2:
                    path.write_bytes(BROKEN[i % len(BROKEN)].encode("latin-1"))
                    assert not (await asyncio.to_thread(tenants.reload)).ok
                else:
                    path.write_text(_pair(i))
                    assert (await asyncio.to_thread(tenants.reload)).ok
                    good = i
            stop.set()
            await asyncio.gather(*loaders)

    asyncio.run(run())
    assert statuses == {200}
    assert content_of(ask(app, f"say w{RELOADS}x", authorization=f"Bearer {ALPHA}")) == "[alpha]"
    assert tenants.reloads.failed >= RELOADS // 2


def _pair(i: int) -> str:
    terms = f"words: {{terms: [{{term: w{i}x, id: one}}, {{term: z{i}x, id: two}}]}}\n"
    return f"version: 1\nname: alpha\nmessages: {{blocked_input: '[alpha]'}}\n{terms}"


def test_files_are_noticed_while_the_middleware_runs(folder: Path) -> None:
    """The real watcher: a change is in force in under two seconds, a broken one leaves the last good in place and shows."""
    tenants = Tenants.open(folder)
    app = App("fine", policies=tenants)

    async def run() -> None:
        transport = httpx.ASGITransport(app.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://chat.example") as client:

            async def say(text: str) -> str:
                body = {"model": "m", "messages": [{"role": "user", "content": text}]}
                response = await client.post(
                    "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {ALPHA}"}
                )
                return content_of(response)

            assert await say("a cherry") == "fine"
            await asyncio.sleep(0.3)
            (folder / "alpha.yaml").write_text(policy("alpha", "cherry"))
            for _ in range(200):
                if await say("a cherry") == "[alpha]":
                    break
                await asyncio.sleep(0.05)
            assert await say("a cherry") == "[alpha]"
            (folder / "alpha.yaml").write_text("version: 1\nname: [")
            for _ in range(200):
                if tenants.degraded:
                    break
                await asyncio.sleep(0.05)
            assert tenants.health()["status"] == "degraded"
            assert await say("a cherry") == "[alpha]"

    asyncio.run(run())
