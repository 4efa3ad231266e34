"""The forwarder between real sockets: what goes on, what stays, and what happens when either side goes away."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from guardrails.errors import GuardrailsError
from guardrails.proxy import Credential, Timeouts, UpstreamLost, upstream_app
from tests.demo.sockets import listening, serving

KEY = "sk-the-proxys-own-key"


class Upstream:
    """An upstream that remembers what it got and answers what ``reply`` says."""

    def __init__(self, reply: Callable[[Any, Any, Any], Awaitable[None]] | None = None) -> None:
        self.got: list[dict[str, Any]] = []
        self.gone = threading.Event()
        self.sent = 0
        self._reply = reply

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.got.append({**scope, "body": body})
        if self._reply is not None:
            await self._reply(scope, receive, send)
            return
        await answer(send, 200, b'{"ok":true}', [(b"content-type", b"application/json")])

    def headers(self) -> dict[str, list[str]]:
        out: dict[str, list[str]] = {}
        for k, v in self.got[-1]["headers"]:
            out.setdefault(k.decode(), []).append(v.decode())
        return out


async def answer(send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers or []})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def proxied(upstream: Any, base: str = "", **options: Any) -> Iterator[httpx.Client]:
    with (
        serving(upstream, lifespan="off") as address,
        serving(upstream_app(address + base, **options)) as proxy,
        httpx.Client(base_url=proxy, timeout=10) as client,
    ):
        yield client


def test_method_path_query_body_and_headers_arrive() -> None:
    upstream = Upstream()
    with proxied(upstream) as client:
        done = client.post("/v1/chat/completions?a=1&b=%2F", json={"q": "é"}, headers={"x-mine": "1"})
    assert (done.status_code, done.json()) == (200, {"ok": True})
    got = upstream.got[0]
    assert (got["method"], got["raw_path"], got["query_string"]) == ("POST", b"/v1/chat/completions", b"a=1&b=%2F")
    assert json.loads(got["body"]) == {"q": "é"}
    assert upstream.headers()["x-mine"] == ["1"]
    assert upstream.headers()["content-length"] == [str(len(got["body"]))]


def test_a_base_path_is_put_before() -> None:
    upstream = Upstream()
    with proxied(upstream, "/base/v9/") as client:
        client.get("/models")
    assert upstream.got[0]["raw_path"] == b"/base/v9/models"


@pytest.mark.parametrize(
    "path",
    [
        "/model/anthropic.claude-3%3A0/converse",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Ax%2Fy/converse-stream",
        "/a%20b",
        "//double//slash",
        "/caf%C3%A9",
        "/v1/x;y=1",
    ],
)
def test_a_path_arrives_byte_for_byte(path: str) -> None:
    upstream = Upstream()
    with proxied(upstream) as client:
        status = raw_request(client, f"GET {path} HTTP/1.1")
    assert status == 200
    assert upstream.got[0]["raw_path"] == path.encode()


@pytest.mark.parametrize(
    "path",
    ["/v1/../admin", "/v1/%2e%2e/admin", "/./v1", "/v1/..%2fadmin", "/v1/..%5cadmin", "/%00", "/%ff", "/a%0d%0ab"],
)
def test_an_ambiguous_path_goes_nowhere(path: str) -> None:
    upstream = Upstream()
    with proxied(upstream) as client:
        assert raw_request(client, f"GET {path} HTTP/1.1") == 400
    assert upstream.got == []


def test_another_host_in_the_request_line_or_header_is_not_gone_to() -> None:
    upstream, other = Upstream(), Upstream()
    with serving(other, lifespan="off") as elsewhere, proxied(upstream) as client:
        host = elsewhere.removeprefix("http://")
        assert raw_request(client, f"GET {elsewhere}/steal HTTP/1.1", f"host: {host}") in (200, 400)
        client.post("/v1/x", json={"api_base": elsewhere, "base_url": elsewhere}, headers={"host": host})
        client.get("/v1/x", headers={"x-forwarded-host": host, "forwarded": f"host={host}"})
    assert other.got == []
    assert all(dict(g["headers"])[b"host"] != host.encode() for g in upstream.got)


def test_scope_paths_that_disagree_are_refused() -> None:
    """Whoever rewrote `path` after inspection must not have something else forwarded."""

    async def run() -> int:
        sent: list[Any] = []
        scope = {"type": "http", "method": "GET", "path": "/a", "raw_path": b"/b", "query_string": b"", "headers": []}
        await upstream_app("http://127.0.0.1:9")(scope, receiving(b""), appending(sent))
        return int(sent[0]["status"])

    assert asyncio.run(run()) == 400


def receiving(body: bytes) -> Any:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        return None

    return receive


def appending(sent: list[Any]) -> Any:
    async def send(message: Any) -> None:
        sent.append(message)

    return send


def raw_request(client: httpx.Client, line: str, *headers: str) -> int:
    """A request as written, since clients tidy paths up."""
    url = client.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=10) as made:
        given = headers if any(h.startswith("host:") for h in headers) else ("host: x", *headers)
        made.sendall("\r\n".join([line, *given, "connection: close", "", ""]).encode())
        data = b""
        while chunk := made.recv(65536):
            data += chunk
    return int(data.split(b" ", 2)[1])


def test_hop_by_hop_headers_stay_in_both_directions() -> None:
    async def reply(scope: Any, receive: Any, send: Any) -> None:
        mine = [(b"connection", b"x-hop"), (b"x-hop", b"1"), (b"keep-alive", b"timeout=5"), (b"x-end", b"2")]
        await answer(send, 200, b"", mine)

    upstream = Upstream(reply)
    with proxied(upstream) as client:
        done = client.get(
            "/",
            headers={
                "connection": "x-secret-hop, keep-alive",
                "x-secret-hop": "1",
                "te": "trailers",
                "proxy-authorization": "Basic xyz",
                "upgrade": "h2c",
                "accept-encoding": "gzip, br",
                "x-forwarded-for": "10.0.0.1",
                "x-real-ip": "10.0.0.1",
            },
        )
    got = upstream.headers()
    for name in ("x-secret-hop", "te", "proxy-authorization", "upgrade", "keep-alive", "x-forwarded-for", "x-real-ip"):
        assert name not in got
    assert got["accept-encoding"] == ["identity"]
    assert "x-hop" not in done.headers
    assert "keep-alive" not in done.headers
    assert done.headers["x-end"] == "2"


def test_repeated_headers_stay_repeated() -> None:
    async def reply(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, 200, b"", [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")])

    upstream = Upstream(reply)
    with proxied(upstream) as client:
        done = client.get("/", headers=[("x-many", "1"), ("x-many", "2")])
        assert done.headers.get_list("set-cookie") == ["a=1", "b=2"]
        client.cookies.clear()
        client.get("/")
    assert [v for k, v in upstream.got[0]["headers"] if k == b"x-many"] == [b"1", b"2"]
    assert b"cookie" not in dict(upstream.got[1]["headers"]), "the proxy keeps no cookies between clients"


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500, 503, 529])
def test_upstream_errors_are_passed_on_as_they_are(status: int) -> None:
    body = json.dumps({"error": {"message": f"broke with {status}"}}).encode()

    async def reply(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, status, body, [(b"content-type", b"application/json"), (b"retry-after", b"7")])

    with proxied(Upstream(reply)) as client:
        done = client.post("/", content=b"{}")
    assert (done.status_code, done.content, done.headers["retry-after"]) == (status, body, "7")


def test_redirects_are_passed_on_and_not_followed() -> None:
    other = Upstream()
    with serving(other, lifespan="off") as elsewhere:

        async def reply(scope: Any, receive: Any, send: Any) -> None:
            await answer(send, 302, b"", [(b"location", elsewhere.encode())])

        upstream = Upstream(reply)
        with proxied(upstream) as client:
            assert client.get("/").status_code == 302
    assert other.got == []
    assert len(upstream.got) == 1


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    upstream = Upstream()
    with (
        serving(upstream, lifespan="off") as address,
        serving(upstream_app(address)) as proxy,
        httpx.Client(trust_env=False) as client,
    ):
        assert client.get(proxy).status_code == 200


def test_a_stream_is_passed_on_as_it_comes() -> None:
    """The second part is only made when the client has the first."""
    first = threading.Event()

    async def reply(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        assert await asyncio.to_thread(first.wait, 10)
        await send({"type": "http.response.body", "body": b"data: 2\n\n", "more_body": False})

    with proxied(Upstream(reply)) as client, client.stream("POST", "/", content=b"{}") as stream:
        parts = stream.iter_raw()
        assert next(parts) == b"data: 1\n\n"
        first.set()
        assert b"".join(parts) == b"data: 2\n\n"


def test_own_key_replaces_every_credential() -> None:
    upstream = Upstream()
    theirs = {
        "authorization": "Bearer tenant",
        "x-api-key": "tenant",
        "api-key": "t",
        "x-goog-api-key": "t",
        "cookie": "t",
    }
    with proxied(upstream, credential=Credential(KEY)) as client:
        client.get("/", headers=theirs)
    got = upstream.headers()
    assert got["authorization"] == [f"Bearer {KEY}"]
    assert not got.keys() & {"x-api-key", "api-key", "x-goog-api-key", "cookie"}


def test_without_an_own_key_the_clients_is_passed() -> None:
    upstream = Upstream()
    with proxied(upstream) as client:
        client.get("/", headers={"authorization": "Bearer mine"})
    assert upstream.headers()["authorization"] == ["Bearer mine"]


def test_own_key_in_another_header_and_out_of_the_query() -> None:
    upstream = Upstream()
    with proxied(upstream, credential=Credential(KEY, "x-goog-api-key")) as client:
        client.get("/?alt=sse&key=theirs&KEY=too")
    assert upstream.headers()["x-goog-api-key"] == [KEY]
    assert upstream.got[0]["query_string"] == b"alt=sse"


def test_the_key_is_in_no_repr_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", KEY)
    made = Credential.from_env("UPSTREAM_KEY")
    assert KEY not in repr(made)
    assert KEY not in repr(upstream_app("http://127.0.0.1:9", credential=made))
    monkeypatch.setenv("UPSTREAM_KEY", KEY + "\u20ac")
    with pytest.raises(GuardrailsError) as caught:
        Credential.from_env("UPSTREAM_KEY")
    assert KEY not in str(caught.value)
    monkeypatch.delenv("UPSTREAM_KEY")
    with pytest.raises(GuardrailsError, match="UPSTREAM_KEY is empty or not set"):
        Credential.from_env("UPSTREAM_KEY")
    with pytest.raises(GuardrailsError, match="choose authorization"):
        Credential(KEY, "x-elsewhere")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.example.com",
        "ftp://a",
        "http://",
        "https://user:hunter2@host",
        "http://a?x=hunter2",
        "http://a#b",
        "//a",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(GuardrailsError) as caught:
        upstream_app(address)
    assert "hunter2" not in str(caught.value)


def test_missing_certificates_are_named(tmp_path: Any) -> None:
    with pytest.raises(GuardrailsError, match=r"nowhere\.pem: no readable certificates"):
        upstream_app("https://a", ca_file=str(tmp_path / "nowhere.pem"))


SIGV4 = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"


def test_a_signed_request_gets_a_clear_answer() -> None:
    upstream = Upstream()
    with proxied(upstream) as client:
        for done in (
            client.post("/model/m/converse", content=b"{}", headers={"authorization": SIGV4}),
            client.post("/model/m/converse?X-Amz-Signature=0", content=b"{}"),
        ):
            assert done.status_code == 400
            assert "AWS_BEARER_TOKEN_BEDROCK" in done.json()["message"]
    assert upstream.got == []


def test_an_own_key_replaces_a_signature() -> None:
    upstream = Upstream()
    with proxied(upstream, credential=Credential(KEY)) as client:
        assert client.post("/model/m/converse", content=b"{}", headers={"authorization": SIGV4}).status_code == 200
    assert upstream.headers()["authorization"] == [f"Bearer {KEY}"]


def test_nobody_listening_is_a_502() -> None:
    closed = listening()
    port = closed.getsockname()[1]
    closed.close()
    with serving(upstream_app(f"http://127.0.0.1:{port}")) as proxy:
        done = httpx.post(proxy, content=b"{}")
    assert done.status_code == 502
    assert done.json()["error"]["code"] == "upstream_unreachable"
    assert str(port) not in done.text, "clients do not learn where the upstream is"


def test_a_silent_upstream_is_a_504() -> None:
    async def reply(scope: Any, receive: Any, send: Any) -> None:
        await receive()  # until the proxy leaves

    with proxied(Upstream(reply), timeouts=Timeouts(silence=0.2)) as client:
        done = client.post("/", content=b"{}")
    assert (done.status_code, done.json()["error"]["code"]) == (504, "upstream_timeout")


def test_no_free_connection_is_a_503() -> None:
    release = threading.Event()

    async def reply(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.to_thread(release.wait, 10)
        await answer(send, 200, b"")

    upstream = Upstream(reply)
    with proxied(upstream, max_connections=1, timeouts=Timeouts(pool=0.1)) as client:
        first = threading.Thread(target=client.get, args=("/",))
        first.start()
        until(lambda: len(upstream.got) == 1)
        done = httpx.get(client.base_url)
        release.set()
        first.join()
    assert (done.status_code, done.headers["retry-after"]) == (503, "1")


def until(true: Callable[[], Any]) -> None:
    for _ in range(1_000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")


@pytest.mark.parametrize("how", ["closed", "silent"])
def test_an_answer_that_breaks_off_is_no_complete_answer(how: str) -> None:
    async def reply(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        if how == "closed":
            raise RuntimeError
        await receive()

    with (
        proxied(Upstream(reply), timeouts=Timeouts(silence=0.3)) as client,
        pytest.raises(httpx.RemoteProtocolError),
        client.stream("GET", "/") as stream,
    ):
        stream.read()


def test_whoever_stands_in_front_is_told_that_it_broke_off() -> None:
    async def reply(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError

    async def run(address: str) -> list[Any]:
        app, sent = upstream_app(address), []
        scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "headers": []}
        with pytest.raises(UpstreamLost):
            await app(scope, receiving(b""), appending(sent))
        await app.aclose()
        return sent

    with serving(Upstream(reply), lifespan="off") as address:
        sent = asyncio.run(run(address))
    assert [m.get("body") for m in sent] == [None, b"half"]


@pytest.mark.parametrize("when", ["before the answer", "in the middle"])
def test_a_client_that_leaves_cancels_the_upstream_call(when: str) -> None:
    gone = threading.Event()

    async def reply(scope: Any, receive: Any, send: Any) -> None:
        if when == "in the middle":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    upstream = Upstream(reply)
    with proxied(upstream) as client:
        url = client.base_url
        with socket.create_connection((url.host, url.port or 80)) as made:
            made.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
            until(lambda: upstream.got)
            if when == "in the middle":
                assert made.recv(1)
        assert gone.wait(10)


def test_a_client_that_leaves_before_its_body_is_complete_reaches_nobody() -> None:
    upstream = Upstream()
    with proxied(upstream) as client:
        url = client.base_url
        with socket.create_connection((url.host, url.port or 80)) as made:
            made.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf of it")
        assert client.get("/next").status_code == 200
    assert [g["path"] for g in upstream.got] == ["/next"]


def test_a_body_that_never_comes_is_a_408() -> None:
    upstream = Upstream()
    with proxied(upstream, timeouts=Timeouts(body=0.2)) as client:
        url = client.base_url
        with socket.create_connection((url.host, url.port or 80), timeout=10) as made:
            made.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf of it")
            assert made.recv(100).startswith(b"HTTP/1.1 408")
    assert upstream.got == []


@pytest.mark.parametrize(("size", "status"), [(999, 200), (1_000, 200), (1_001, 413)])
def test_a_body_over_the_limit_goes_nowhere(size: int, status: int) -> None:
    upstream = Upstream()
    with proxied(upstream, max_body=1_000) as client:
        sized = client.post("/", content=b"x" * size)
        chunked = client.post("/", content=iter([b"x" * size]))
    assert (sized.status_code, chunked.status_code) == (status, status)
    assert len(upstream.got) == (2 if status == 200 else 0)


def test_a_client_that_does_not_read_stops_the_upstream() -> None:
    """100 MB are on offer; what is between the two sockets stays bounded."""
    upstream = Upstream()

    async def reply(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1_600):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            upstream.sent += 65_536
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    upstream._reply = reply
    with proxied(upstream) as client:
        url = client.base_url
        with socket.create_connection((url.host, url.port or 80)) as made:
            made.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            seen = -1
            while seen != upstream.sent or not seen:  # until it stands still
                seen = upstream.sent
                time.sleep(0.3)
    assert 0 < seen < 50_000_000


def test_methods_that_reflect_or_tunnel_are_refused() -> None:
    upstream = Upstream()
    with proxied(upstream) as client:
        assert client.request("TRACE", "/").status_code == 405
    assert upstream.got == []


def test_head_has_no_body() -> None:
    async def reply(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, 200, b"", [(b"content-length", b"42")])

    with proxied(Upstream(reply)) as client:
        done = client.head("/")
    assert (done.headers["content-length"], done.content) == ("42", b"")


def test_websockets_are_closed() -> None:
    async def run() -> list[Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        await upstream_app("http://127.0.0.1:9")({"type": "websocket", "path": "/"}, receive, appending(sent))
        return sent

    assert [(m["type"], m["code"]) for m in asyncio.run(run())] == [("websocket.close", 1008)]
