"""A real server on a socket: what the middleware decides is what the connection does."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from guardrails import Guard
from guardrails.asgi import GuardrailsMiddleware
from guardrails.policy import loads
from tests.asgi.apps import chunk
from tests.failures.faults import CANARY
from tests.failures.raw import SSE

SENTENCE = (
    "It is a calm day at the harbour, and the boats lie still in the sun, all of them white and blue, as they do. "
)


@contextmanager
def serving(app: Any, **settings: Any) -> Iterator[int]:
    """The port of a server in a thread."""
    guard = Guard(loads("version: 1\nname: s\nwords: {terms: [kingfisher]}\n"))
    middleware = GuardrailsMiddleware(app, guard, reload=False, **settings)
    config = uvicorn.Config(
        middleware, host="127.0.0.1", port=0, log_config=None, lifespan="off", timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def test_a_connection_whose_body_never_comes_is_closed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the application was called")

    with serving(app, body_seconds=0.1) as port, socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
        )
        got = b""
        while part := client.recv(4096):  # ends when the server closes, and that long before its keep-alive
            got += part
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert "error" in json.loads(body)


def test_an_application_that_fails_within_a_stream_breaks_the_connection() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(SSE)
        await send({"type": "http.response.body", "body": chunk({"content": SENTENCE * 2 + CANARY}), "more_body": True})
        raise RuntimeError(CANARY)

    question = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "How is it?"}]}
    with (
        serving(app) as port,
        httpx.stream("POST", f"http://127.0.0.1:{port}/v1/chat/completions", json=question, timeout=30) as answer,
    ):
        assert answer.status_code == 200
        parts: list[bytes] = []
        with pytest.raises(httpx.RemoteProtocolError):
            parts.extend(answer.iter_raw())
    got = b"".join(parts)
    assert b"harbour" in got
    assert CANARY.encode() not in got
