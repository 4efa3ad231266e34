"""The edges of a connection: upstreams that say another length than they send, blanks, clients that are slow or half gone."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import ollama
import openai
import pytest

from guardrails.proxy import proxy_app
from guardrails.proxy.halfopen import HalfOpenProtocol
from guardrails.wire.limits import BodyLimits
from tests.asgi.apps import whole
from tests.demo.sockets import serving
from tests.proxy import policy

ASK = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
BODY = json.dumps(whole("fine")).encode()
STREAM = b'data: {"choices":[{"index":0,"delta":{"content":"fine"}}]}\n\ndata: [DONE]\n\n'
JSON, SSE = b"application/json", b"text/event-stream"


def answer(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s" % (kind, size, body)


@contextmanager
def upstream(say: Callable[[bytes], bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers each request with these bytes, and closes when they are fewer than they say; its heads."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    heads: list[bytes] = []

    def one(made: socket.socket) -> None:
        with made, made.makefile("rb") as reader:
            while line := reader.readline():
                head = line
                while (line := reader.readline()) not in (b"\r\n", b""):
                    head += line
                size = [int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")]
                reader.read(size[0] if size else 0)
                heads.append(head)
                said = say(head)
                made.sendall(said)
                before, _, body = said.partition(b"\r\n\r\n")
                if not body or len(body) < int(before.rsplit(b"content-length: ")[-1]):
                    return

    def loop() -> None:
        while True:
            try:
                made, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(made,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads
    finally:
        listener.close()


@contextmanager
def proxied(tmp_path: Path, say: Callable[[bytes], bytes], **settings: Any) -> Iterator[tuple[str, list[bytes]]]:
    with upstream(say) as (behind, heads), serving(proxy_app(behind, policy.write(tmp_path)), **settings) as base:
        yield base, heads


@pytest.mark.parametrize(
    ("said", "stream"),
    [
        (answer(JSON, BODY, len(BODY) + 10), False),
        (answer(JSON, BODY, len(BODY) - 10), False),
        (answer(JSON, BODY + answer(JSON, b'{"evil":1}'), len(BODY)), False),
        (answer(SSE, b"", 500), True),
        (answer(SSE, b"data: {", 500), True),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n", True),
        (b"", True),
        (b"", False),
    ],
)
def test_an_upstream_that_ends_otherwise_than_it_says_is_a_502_in_the_apis_shape(
    tmp_path: Path, said: bytes, stream: bool
) -> None:
    with proxied(tmp_path, lambda _: said) as (base, _):
        for _ in range(2):  # what came behind one answer is not the next one
            got = httpx.post(base + "/v1/chat/completions", json={**ASK, "stream": stream})
            assert got.status_code == 502
            assert got.json()["error"]["code"] in ("upstream_lost", "upstream_unreachable")
        got = httpx.post(base + "/api/chat", json={**ASK, "stream": stream})
        assert (got.status_code in (502, 424), isinstance(got.json()["error"], str)) == (True, True)
        got = httpx.post(base + "/v1beta/models/m:generateContent", json={"contents": [{"parts": [{"text": "hello"}]}]})
        assert got.json()["error"]["code"] in (502, 424)


def test_an_answer_that_cannot_be_inspected_is_paid_for_once(tmp_path: Path) -> None:
    with proxied(tmp_path, lambda _: answer(SSE, STREAM)) as (base, heads):
        with (
            openai.OpenAI(base_url=base + "/v1", api_key="k", max_retries=2) as client,
            pytest.raises(openai.APIStatusError),
        ):
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
        assert len(heads) == 1


def test_blanks_around_header_values_are_no_part_of_them(tmp_path: Path) -> None:
    with proxied(tmp_path, lambda _: answer(JSON, BODY)) as (base, heads):
        connection = http.client.HTTPConnection(base.removeprefix("http://"))
        headers = {"content-type": "application/json \t", "x-mine": "  a b\t "}
        connection.request("POST", "/v1/chat/completions", json.dumps(ASK), headers)
        assert connection.getresponse().status == 200
        connection.close()
        assert b"x-mine: a b\r\n" in heads[0]


def test_a_client_that_stops_sending_gets_its_answer(tmp_path: Path) -> None:
    with proxied(tmp_path, lambda _: answer(JSON, BODY), http=HalfOpenProtocol) as (base, _):
        host, port = base.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as client:
            data = json.dumps(ASK).encode()
            client.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                % len(data)
                + data
            )
            client.shutdown(socket.SHUT_WR)
            got = b""
            while part := client.recv(65_536):
                got += part
        assert got.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert b'"fine"' in got


def refused(base: str, data: bytes) -> bytes:
    """What a connection on which this is sent says before it is closed."""
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(data)
        got = b""
        while part := client.recv(65_536):
            got += part
    return got


def test_a_head_has_its_time_and_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    with proxied(tmp_path, lambda _: answer(JSON, BODY), http=HalfOpenProtocol, timeout_keep_alive=2) as (base, _):
        monkeypatch.setattr("guardrails.proxy.halfopen._HEAD_BYTES", 10_000)
        long = b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 20_000
        assert refused(base, long).startswith(b"HTTP/1.1 431 ")
        monkeypatch.setattr("guardrails.proxy.halfopen._HEAD_SECONDS", 0.3)
        for begun in (b"GET", b"GET / HTTP/1.1\r\nhost: x\r\nx-a: ", b""):
            assert refused(base, begun).startswith(b"HTTP/1.1 408 ")
        # The next head on the same connection has no more time than the first.
        first, _, second = refused(base, asked + b"GET /he").partition(b"HTTP/1.1 408 ")
        assert first.startswith(b"HTTP/1.1 200 ")
        assert second.endswith(b"content-length: 0\r\n\r\n")
        # The body of a request has another limit.
        data = json.dumps({**ASK, "user": "u" * 30_000})
        assert httpx.post(base + "/v1/chat/completions", content=data, timeout=60).status_code == 200


def test_a_client_reads_why_its_long_body_is_refused(tmp_path: Path) -> None:
    """And no reset of its connection, whether or not the length was said."""
    with upstream(lambda _: answer(JSON, BODY)) as (behind, heads):
        app = proxy_app(behind, policy.write(tmp_path), limits=BodyLimits(bytes=1_000_000))
        with serving(app, http=HalfOpenProtocol) as base, httpx.Client(timeout=60) as client:
            for content in (b" " * 1_900_000, iter([b" " * 1_900_000])):
                kind = {"content-type": "application/json"}
                got = client.post(base + "/v1/chat/completions", content=content, headers=kind)
                assert got.status_code == 413, got.text
                assert "--max-body" in got.json()["error"]["message"]
            assert client.get(base + "/healthz").status_code == 200
        assert heads == []


def test_bodies_that_never_come_fill_no_place(tmp_path: Path) -> None:
    begun = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"
    with proxied(tmp_path, lambda _: answer(JSON, BODY)) as (base, _), ExitStack() as open_:
        host, port = base.removeprefix("http://").split(":")
        for _ in range(300):
            client = open_.enter_context(socket.create_connection((host, int(port)), timeout=60))
            client.sendall(begun)
        assert httpx.post(base + "/v1/chat/completions", json=ASK, timeout=60).status_code == 200
        open_.close()
        assert httpx.get(base + "/healthz", timeout=60).status_code == 200  # and the server has seen all of them go


def test_ollama_as_its_own_pages_call_it(tmp_path: Path) -> None:
    vector = [0.1, -0.2, 0.3]
    answers: dict[bytes, Any] = {
        b"POST /api/embed ": {"model": "m", "embeddings": [vector]},
        b"POST /api/embeddings ": {"embedding": vector},
        b"POST /api/show ": {
            "license": "free",
            "details": {"family": "llama"},
            "capabilities": ["completion"],
            "model_info": {"general.architecture": "llama"},
        },
        b"GET /api/ps ": {"models": []},
        b"GET /api/tags ": {"models": []},
        b"GET /api/version ": {"version": "0.12.6"},
        b"POST /api/chat ": {"model": "m", "message": {"role": "assistant", "content": "fine"}, "done": True},
    }

    def say(head: bytes) -> bytes:
        if head.startswith(b"GET / "):
            return answer(b"text/plain; charset=utf-8", b"Ollama is running")
        return answer(JSON, json.dumps(next(v for k, v in answers.items() if head.startswith(k))).encode())

    with proxied(tmp_path, say) as (base, _):
        client = ollama.Client(base)
        assert client.embed("m", ["one", "two"]).embeddings == [vector]
        assert client.embeddings("m", "one").embedding == vector
        assert client.show("m").capabilities == ["completion"]
        assert [*client.ps().models, *client.list().models] == []
        assert httpx.get(base + "/").text == "Ollama is running"
        assert httpx.get(base + "/api/version").json() == {"version": "0.12.6"}
        # As `curl -d` sends it.
        curl = {"content-type": "application/x-www-form-urlencoded"}
        asked = json.dumps({**ASK, "stream": False})
        assert httpx.post(base + "/api/chat", content=asked, headers=curl).json()["message"]["content"] == "fine"
        secret = asked.replace("hello", "project kingfisher")
        said = httpx.post(base + "/api/chat", content=secret, headers=curl).json()
        assert said["message"]["content"] == "I was told not to ask."
        with pytest.raises(ollama.ResponseError, match=r"--exempt 'POST /api/pull'"):
            client.pull("m")
        client._client.close()
