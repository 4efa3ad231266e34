"""A server and a client of one exchange, message by message: what no client library lets one do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from guardrails import Guard
from guardrails.asgi import GuardrailsMiddleware
from guardrails.decision import Decision

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

START = {"type": "http.response.start", "status": 200}
SSE = {**START, "headers": [(b"content-type", b"text/event-stream")]}
JSON = {**START, "headers": [(b"content-type", b"application/json")]}


class Wire:
    """One request through the middleware. ``sent`` is what the client got so far."""

    def __init__(self, app: App, guard: Guard, *, stream: bool = False, **settings: Any) -> None:
        self.decisions: list[Decision] = []
        self.sent: list[Any] = []
        self.called = False
        self.gone = asyncio.Event()
        self.permits: asyncio.Semaphore | None = None  # messages that may be sent, when given
        self.waiting = asyncio.Event()
        self._app = app
        question = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "How is it?"}]}
        self.body = json.dumps(question).encode()
        self._given = False
        self.middleware = GuardrailsMiddleware(
            self._called, guard, on_decision=self.decisions.append, reload=False, **settings
        )

    async def _called(self, scope: Any, receive: Receive, send: Send) -> None:
        self.called = True
        await self._app(scope, receive, send)

    async def receive(self) -> Any:
        if not self._given:
            self._given = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if self.permits is not None:
            self.waiting.set()
            await self.permits.acquire()
        self.sent.append(message)

    async def run(self, receive: Receive | None = None, path: str = "/v1/chat/completions") -> None:
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [(b"host", b"chat.example"), (b"content-type", b"application/json"), (b"content-length", str(len(self.body)).encode())],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "scheme": "http", "http_version": "1.1",
        }  # fmt: skip
        await self.middleware(scope, receive or self.receive, self.send)

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.run())

    @property
    def text(self) -> str:
        return b"".join(m.get("body", b"") for m in self.sent).decode()

    @property
    def complete(self) -> bool:
        return any(m["type"] == "http.response.body" and not m.get("more_body") for m in self.sent)

    @property
    def idle(self) -> bool:
        """Nothing is in work any more."""
        admission = self.middleware.admission
        return (admission.in_flight, admission.queued, admission.bytes) == (0, 0, 0)

    def counted(self, name: str) -> float:
        lines = self.middleware.telemetry.expose().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"guardrails_{name}"))


async def settle(times: int = 50) -> None:
    """As far as everybody gets by himself."""
    for _ in range(times):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)
