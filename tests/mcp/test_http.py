"""MCP over HTTP through the middleware: headers, statuses, streams, and what holds a place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from guardrails.asgi import GuardrailsMiddleware
from guardrails.wire.mcp_headers import decoded, encoded
from tests.mcp.checking import MASKED, POLICY, WORD, answer, request

pytestmark = pytest.mark.anyio
META = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}


class Upstream:
    """A server that says what it is told to, and remembers what it was sent."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.methods: list[str] = []
        self.answer: Any = answer(content=[])
        self.status = 200
        self.events: list[bytes] | None = None
        self.open = asyncio.Event()

    async def serve(self, request: Request) -> Response:
        body = await request.body()
        self.methods.append(request.method)
        self.headers.append(dict(request.headers))
        self.bodies.append(json.loads(body) if body else None)
        if self.events is not None and (request.method == "GET" or "method" in self.bodies[-1]):
            return StreamingResponse(self._stream(request.method), media_type="text/event-stream")
        if (body and "id" not in self.bodies[-1]) or (body and "method" not in self.bodies[-1]):
            return Response(status_code=202)
        return JSONResponse(self.answer, self.status)

    async def _stream(self, method: str) -> AsyncIterator[bytes]:
        for event in self.events or ():
            yield event
        if method == "GET":
            await self.open.wait()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def client(upstream: Upstream, tmp_path: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(guarded(upstream, tmp_path)), base_url="http://test")


def guarded(upstream: Upstream, folder: Path, **settings: Any) -> GuardrailsMiddleware:
    policy = folder / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    app = Starlette(routes=[Route("/mcp", upstream.serve, methods=["POST", "GET", "DELETE"])])
    return GuardrailsMiddleware(app, policy, reload=False, **settings)


def event(message: Any, name: str = "message", id_: str = "") -> bytes:
    head = f"event: {name}\n" + (f"id: {id_}\n" if id_ else "")
    return f"{head}data: {json.dumps(message)}\n\n".encode()


def events(body: str) -> list[Any]:
    return [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: ") and line != "data: "]


async def test_headers_that_repeat_an_argument_are_written_anew(upstream: Upstream, client: httpx.AsyncClient) -> None:
    call = request("tools/call", name="send", arguments={"to": MASKED, "region": "eu", "n": 3}, **META)
    headers = {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "send",
        "Mcp-Param-To": encoded(MASKED).decode(),
        "Mcp-Param-Region": "=?base64?ZXU=?=",
        "Mcp-Param-N": "3",
    }
    said = await client.post("/mcp", json=call, headers=headers)
    assert said.json() == upstream.answer
    assert upstream.bodies[0]["params"]["arguments"]["to"] == "{EMAIL}"
    sent = upstream.headers[0]
    assert [sent[f"mcp-param-{name}"] for name in ("to", "region", "n")] == ["{EMAIL}", "=?base64?ZXU=?=", "3"]
    assert (sent["mcp-method"], sent["mcp-name"]) == ("tools/call", "send")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Mcp-Method", "tools/list"),
        ("Mcp-Name", "other"),
        ("Mcp-Name", "=?base64?broken?="),
        ("MCP-Protocol-Version", "2025-11-25"),
        ("Mcp-Param-To", "mallory@example.com"),
        ("Mcp-Param-Else", WORD),
    ],
)
async def test_a_header_that_disagrees_with_the_body_is_refused(
    upstream: Upstream, client: httpx.AsyncClient, header: str, value: str
) -> None:
    call = request("tools/call", name="send", arguments={"to": MASKED}, **META)
    said = await client.post("/mcp", json=call, headers={header: value})
    assert said.status_code == 400
    assert said.json()["error"]["code"] == -32020
    assert not upstream.bodies


async def test_a_header_that_is_there_twice_is_refused(upstream: Upstream, client: httpx.AsyncClient) -> None:
    headers = [("Mcp-Method", "ping"), ("Mcp-Method", "ping")]
    said = await client.post("/mcp", json=request("ping"), headers=headers)
    assert said.json()["error"]["code"] == -32020


def test_headers_say_every_text() -> None:
    for text in ("plain", " edge ", "naïve 😀", "=?base64?eA==?=", "a\nb", ""):
        assert decoded(encoded(text)) == text
    assert decoded(b"=?base64?eA=?=") is None
    assert decoded(b"=?base64?/w==?=") is None


async def test_a_refused_notification_is_accepted_and_goes_nowhere(
    upstream: Upstream, client: httpx.AsyncClient
) -> None:
    told = {
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {"progressToken": 1, "progress": 1, "message": WORD},
    }
    said = await client.post("/mcp", json=told)
    assert (said.status_code, said.content) == (202, b"")
    assert not upstream.bodies
    told["params"] = {"progressToken": 1, "progress": 1}
    assert (await client.post("/mcp", json=told)).status_code == 202
    assert upstream.bodies == [told]


async def test_a_refused_answer_of_the_client_goes_on_as_an_error(
    upstream: Upstream, client: httpx.AsyncClient
) -> None:
    said = await client.post("/mcp", json=answer(action="accept", content={"name": WORD}))
    assert said.status_code == 202
    assert upstream.bodies[0]["error"]["code"] == -32011
    assert upstream.bodies[0]["id"] == 1


async def test_a_refused_call_does_not_go_on(upstream: Upstream, client: httpx.AsyncClient) -> None:
    said = await client.post("/mcp", json=request("tools/call", name="x", arguments={"a": WORD}))
    assert said.status_code == 200
    assert said.json()["result"]["isError"] is True
    assert said.headers["x-guardrails-action"] == "BLOCKED"
    assert not upstream.bodies


async def test_a_batch_is_refused(upstream: Upstream, client: httpx.AsyncClient) -> None:
    said = await client.post("/mcp", json=[request("ping")])
    assert said.status_code == 422
    assert said.json()["error"]["code"] == -32600
    assert not upstream.bodies


async def test_a_stream_has_each_of_its_messages_judged(upstream: Upstream, client: httpx.AsyncClient) -> None:
    def told(text: str) -> Any:
        return {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": text}}

    upstream.events = [
        b"id: s1_0\nretry: 500\ndata: \n\n",
        event(told("one"), id_="s1_1"),
        event(told(WORD), id_="s1_2"),
        event(told(f"ask {MASKED}"), id_="s1_3"),
        b": ping\n\n",
        event(answer(content=[{"type": "text", "text": MASKED}]), id_="s1_4"),
    ]
    said = await client.post("/mcp", json=request("tools/call", name="x"))
    assert said.headers["content-type"].startswith("text/event-stream")
    one, two, last = events(said.text)
    assert one == told("one")
    assert two == told("ask {EMAIL}")
    assert last["result"]["content"][0]["text"] == "{EMAIL}"
    assert [line for line in said.text.splitlines() if line.startswith(("id", "retry", ":"))] == [
        "id: s1_0", "retry: 500", "id: s1_1", "id: s1_3", ": ping", "id: s1_4",
    ]  # fmt: skip


async def test_what_a_server_asks_and_may_not_is_answered_by_us(upstream: Upstream, client: httpx.AsyncClient) -> None:
    asks = {
        "jsonrpc": "2.0",
        "id": 9,
        "method": "elicitation/create",
        "params": {"message": f"Say {WORD}", "requestedSchema": {}},
    }
    upstream.events = [event(asks), event(answer(content=[]))]
    said = await client.post(
        "/mcp", json=request("tools/call", name="x"), headers={"Mcp-Session-Id": "s1", "Accept": "*/*"}
    )
    assert [m.get("id") for m in events(said.text)] == [1]
    for _ in range(200):
        if len(upstream.bodies) > 1:
            break
        await asyncio.sleep(0.01)
    assert upstream.bodies[1]["id"] == 9
    assert upstream.bodies[1]["error"]["code"] == -32011
    assert upstream.headers[1]["mcp-session-id"] == "s1"
    assert upstream.headers[1]["accept"] == "application/json, text/event-stream"


async def test_a_stream_whose_answer_cannot_be_read_ends_with_one(
    upstream: Upstream, client: httpx.AsyncClient
) -> None:
    upstream.events = [b"data: no JSON\n\n"]
    said = await client.post("/mcp", json=request("tools/call", name="x"))
    assert events(said.text)[0]["result"]["isError"] is True
    broken = b'data: {"jsonrpc": "2.0", "id": 1, "result": {"content": [\n\n'
    upstream.events = [broken]
    said = await client.post("/mcp", json=request("tools/call", name="x"))
    assert (said.status_code, said.json()["id"]) == (424, 1)
    upstream.events = [event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}), broken]
    said = await client.post("/mcp", json=request("tools/call", name="x"))
    assert events(said.text)[1]["result"]["isError"] is True


async def test_an_error_of_the_server_is_read(upstream: Upstream, client: httpx.AsyncClient) -> None:
    upstream.status = 400
    upstream.answer = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": f"no such user: {MASKED}"}}
    said = await client.post("/mcp", json=request("tools/call", name="x"))
    assert (said.status_code, said.json()["error"]["message"]) == (400, "no such user: {EMAIL}")
    upstream.answer = {"detail": f"no such user: {MASKED}"}
    said = await client.post("/mcp", json=request("tools/call", name="x"))
    assert (said.status_code, said.json()) == (400, {"detail": "no such user: {EMAIL}"})
    upstream.answer = {"detail": WORD}
    said = await client.post("/mcp", json=request("tools/call", name="x"))
    assert WORD not in said.text


async def test_sessions_end(upstream: Upstream, client: httpx.AsyncClient) -> None:
    upstream.answer = {}
    said = await client.delete("/mcp", headers={"Mcp-Session-Id": "s1"})
    assert upstream.methods == ["DELETE"]
    assert said.status_code in {200, 424}


async def test_a_servers_own_stream_holds_no_place(upstream: Upstream, tmp_path: Path) -> None:
    app = guarded(upstream, tmp_path)
    upstream.events = [event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})]
    sent: list[Any] = []
    gone = asyncio.Event()

    parts = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if parts:
            return parts.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": "/mcp", "raw_path": b"/mcp", "query_string": b"", "headers": [(b"accept", b"text/event-stream")],
        "client": None, "server": None, "scheme": "http", "http_version": "1.1", "extensions": {},
    }  # fmt: skip
    stream = asyncio.create_task(app(scope, receive, send))
    for _ in range(500):
        if any(b"list_changed" in m.get("body", b"") for m in sent):
            break
        await asyncio.sleep(0.01)
    assert any(b"list_changed" in m.get("body", b"") for m in sent), sent
    assert app.admission.in_flight == 0
    upstream.open.set()
    gone.set()
    await stream


async def test_the_setting_blocked_error_refuses_calls_by_an_error(upstream: Upstream, tmp_path: Path) -> None:
    app = guarded(upstream, tmp_path, blocked="error", mcp_allow=["acme/do"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        said = await client.post("/mcp", json=request("tools/call", name="x", arguments={"a": WORD}))
        assert (said.status_code, said.json()["error"]["code"]) == (400, -32011)
        assert (await client.post("/mcp", json=request("acme/do"))).status_code == 200
        assert upstream.bodies[-1]["method"] == "acme/do"
