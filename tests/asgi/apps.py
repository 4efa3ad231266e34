"""An application that says what it is told, behind the middleware, and a client without a socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from guardrails import Guard
from guardrails.asgi import GuardrailsMiddleware
from guardrails.policy import loads

POLICY = """
version: 1
name: asgi
messages: {blocked_input: "[not asked]", blocked_output: "[not said]"}
words:
  terms:
    - {term: project kingfisher, id: secret}
    - {term: rival bank, id: rival, action: mask, mask: {style: constant, text: "[another bank]"}}
pii:
  entities:
    EMAIL: {action: mask, mask: {style: numbered, restore: true}}
    CREDIT_DEBIT_CARD_NUMBER: mask
"""


def guard(more: str = "", *, base: str = POLICY) -> Guard:
    return Guard(loads(base + more))


class App:
    """Chat completions: answers with ``says`` (a text, a whole body, or chunks of bytes), and keeps what it received."""

    def __init__(self, says: Any = None, **settings: Any) -> None:
        self.says = says
        self.received: list[Any] = []
        self.scopes: list[Any] = []
        self.decisions: list[Any] = []
        policies = settings.pop("policies", None) or guard(settings.pop("more", ""))
        routes = [
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/plain", self.plain, methods=["GET", "POST"]),
        ]
        self.app = Starlette(routes=routes)
        settings.setdefault("on_decision", self.decisions.append)
        self.app.add_middleware(GuardrailsMiddleware, policies=policies, **settings)

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.received.append(body)
        self.scopes.append(request.scope.get("guardrails"))
        says = self.says(body) if callable(self.says) and not isinstance(self.says, Response) else self.says
        if says is None:
            says = body["messages"][-1]["content"]
        if isinstance(says, Response):
            return says
        if body.get("stream"):
            return StreamingResponse(stream(says), media_type="text/event-stream")
        return JSONResponse(says if isinstance(says, dict) else whole(says))

    async def plain(self, request: Request) -> Response:
        return Response("plain " + (await request.body()).decode())

    def post(self, body: Any, path: str = "/v1/chat/completions", **more: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", **more.pop("headers", {})}
        return self.request("POST", path, content=content, headers=headers, **more)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://chat.example") as client:
                return await client.request(method, path, **more)

        return asyncio.run(go())

    def ask(self, text: str, *, stream: bool = False, **more: Any) -> httpx.Response:
        return self.post({"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}], **more})

    def text(self, response: httpx.Response) -> str:
        return content_of(response)


def whole(text: str | None, **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    body = {
        "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish, **more}],
    }  # fmt: skip
    return f"data: {json.dumps(body)}\n\n".encode()


async def stream(says: Any) -> Any:
    if isinstance(says, list):
        for part in says:
            yield part
        return
    yield chunk({"role": "assistant", "content": ""})
    for word in says.split(" "):
        yield chunk({"content": word + " "})
    yield chunk({}, "stop")
    yield b"data: [DONE]\n\n"


def events(response: httpx.Response) -> list[Any]:
    lines = [x[6:] for x in response.text.split("\n\n") if x.startswith("data: ")]
    return [json.loads(x) if x != "[DONE]" else x for x in lines]


def content_of(response: httpx.Response) -> str:
    if response.headers["content-type"].startswith("text/event-stream"):
        chunks = [e for e in events(response) if e != "[DONE]"]
        return "".join(c["delta"].get("content") or "" for e in chunks for c in e["choices"])
    return str(response.json()["choices"][0]["message"]["content"])
